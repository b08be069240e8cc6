"""Personal data found by pattern and proof; ordinary numbers, dates and code left alone."""

import json
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tuneloom.text.full_width import FOLDED, fold
from tuneloom.text.personal_data import KINDS, MAY_HOLD, Finding, find, mask, mask_json


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to ada.moreau+list@mail.example.org.", "write to <EMAIL>."),
        ("我的邮箱是zhang_wei88@example.com，欢迎来信", "我的邮箱是<EMAIL>，欢迎来信"),
        ("_bob@example.org_ and <eve@example.org>", "<EMAIL>_ and <<EMAIL>>"),
        ("手机13812345679，微信同号", "手机<PHONE>，微信同号"),
        ("+86 138-1234-5679", "<PHONE>"),
        ("电话010-62345671", "电话<PHONE>"),
        ("+1 (415) 555-0132", "<PHONE>"),
        ("ring +49 30 5550 1234 after six", "ring <PHONE> after six"),
        ("身份证11010519491231002X。", "身份证<RESIDENT_ID>。"),
        ("card 4000 0000 0000 0002 expires", "card <CARD> expires"),
        ("6222021234567890128", "<CARD>"),
        ("from 203.0.113.57 at noon", "from <IP> at noon"),
        ("Bearer sk-Qh7pZ2mK9vXw4RtY8nB3cD6fG1jL5sAa", "Bearer <KEY>"),
        ("api_key: '9f8e7d6c5b4a39281706f5e4d3c2b1a0'", "api_key: '<KEY>'"),
        ("IBAN GB82 WEST 1234 5698 7654 32, please", "IBAN <IBAN>, please"),
        ("汇到DE89370400440532013000。", "汇到<IBAN>。"),
        ("NO9386011117947", "<IBAN>"),
        ("SSN 219-09-9998.", "SSN <SOCIAL_SECURITY>."),
        ("身份证号：110105491231002", "身份证号：<RESIDENT_ID>"),
        ("护照号码E12345678", "护照号码<PASSPORT>"),
        ("my passport number is 533401234", "my passport number is <PASSPORT>"),
        ("加我微信：li_wei-88", "加我微信：<ACCOUNT>"),
        ("QQ号 1234509876", "QQ号 <ACCOUNT>"),
        ("my WECHAT id: john_doe99", "my WECHAT id: <ACCOUNT>"),
        ("we chat: john_doe99", "we chat: <ACCOUNT>"),
        ("my QQ number 1234509876", "my QQ number <ACCOUNT>"),
        ("qq:1234509876", "qq:<ACCOUNT>"),
        ("薇信：li_wei-88", "薇信：<ACCOUNT>"),
        ("VX：liwei88", "VX：<ACCOUNT>"),
        ("加我vx liwei88", "加我vx <ACCOUNT>"),
        ("ＱＱ号：１２３４５０９８７６", "ＱＱ号：<ACCOUNT>"),
        ("电话１３８１２３４５６７９", "电话<PHONE>"),
        ("手机：＋８６－１３８－１２３４－５６７９。", "手机：<PHONE>。"),
        ("手机　138　1234　5679", "手机　<PHONE>"),
        ("13812345679，13912345678／13712345678", "<PHONE>，<PHONE>／<PHONE>"),
        ("身份证１１０１０５１９４９１２３１００２Ｘ", "身份证<RESIDENT_ID>"),
        ("护照号Ｅ12345678", "护照号<PASSPORT>"),
        ("写信到zhang＠qq.com，谢谢", "写信到<EMAIL>，谢谢"),
        ("ｚｈａｎｇ＠ｑｑ．ｃｏｍ", "<EMAIL>"),
        ("appelez le +33\u202f6\u00a012\u00a034\u00a056\u00a078", "appelez le <PHONE>"),
        ("ring 415\u2011555\u20110132", "ring <PHONE>"),
        ("seen from 2a00:1450:: today", "seen from <IP> today"),
        ("seen from 2a00:1450:4009:80b::200e today", "seen from <IP> today"),
        ("export AWS=AKIAIOSFODNN7EXAMPLE", "export AWS=<KEY>"),
        ("令牌：ghp_1a2B3c4D5e6F7g8H9i0JkLmNoPqRsTuVwXyZ", "令牌：<KEY>"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N", "<KEY>"),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{'MIIEpAIBAAKCAQEA7' * 4}", "<KEY>"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END PRIVATE KEY-----", "<KEY>"),
    ],
)
def test_what_points_to_a_person_gets_a_mark(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "2021-03-14 15:09:26",
        "110105194912310021",  # the check sign of a resident number is wrong
        "110105194913310021",  # no such birthday
        "4000 0000 0000 0003",  # fails Luhn
        "355909190063 - 746 = 355909189317",
        "13812345679 + 5",
        "13000000000元",
        "1.2.3.4",
        "192.168.0.1 and 127.0.0.1 and 255.255.255.0 and 10.0.0.0/8",
        "git@github.com:acme/tool.git",
        "@app.route('/')",
        "1-800-555-0199",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
        'password = "your_very_secret_password"',
        "550e8400-e29b-41d4-a716-446655440000",
        "ISBN 978-3-16-148410-0",
        "GB82 WEST 1234 5698 7654 33",  # wrong check digits
        "ZZ82 WEST 1234 5698 7654 32",  # no such country
        "call 000-12-3456 or 666-12-3456 or 123-45-6789",
        "219-09-9998 = 212",
        "2021-09-9998",
        "v1.2.3-219-09-9998-rc1",
        "ISBN 0-306-40615-2, DOI 10.1000/182",
        "std::vector<int> a::b::c::d; 12:34:56:78",
        "fe80::1 and 2001:db8::1 and ::1 and 00:1A:2B:3C:4D:5E",
        "用微信支付，或者支付宝转账",
        "WeChat message history and QQ music",
        "vx = initial_vx; vx: float32; vx, vy = 120000, 5",
        "１３８１２３４５６７９＋５",
        "２０２１－０３－１４　１５：０９：２６，共１２３４５６７８元",
        "your passport: expired",
        "pip install torch==2.13.0 at 4f3c2b1a9e8d7c6b5a49382716f5e4d3c2b1a0ff",
        "3.14159265358979323846",
    ],
)
def test_ordinary_numbers_and_code_are_left_alone(text: str) -> None:
    assert find(text) == []


def test_a_finding_says_where_and_what_but_not_which() -> None:
    assert find("mail a@b.org, phone 13812345679") == [Finding(5, 12, "email"), Finding(20, 31, "phone")]


def test_a_resident_number_is_not_also_a_card_or_a_phone() -> None:
    assert [finding.kind for finding in find("11010519491231002X")] == ["resident_id"]


PIECES = st.sampled_from(
    [
        "a@b.org",
        "13812345679",
        "4000 0000 0000 0002",
        "203.0.113.57",
        "电话",
        " ",
        "，",
        "x = 3;\n",
        "+1 (415) 555-0132",
    ]
)


@settings(deadline=None, max_examples=500)
@example("a@b.org+1 (415) 555-0132+1 (415) 555-0132")
@given(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=8).map("".join))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(st.lists(PIECES, max_size=8).map(" ".join))
def test_findings_are_in_order_and_apart(text: str) -> None:
    found = find(text)
    assert all(a.end <= b.start for a, b in pairwise(found))


def test_of_two_kinds_that_claim_the_same_letters_the_more_certain_has_them_wherever_others_stand() -> None:
    held = "a@b.org 11010519491231002X "
    text = f"微信 {held}, 4000 0000 0000 0002, {held}"
    assert [finding.kind for finding in find(text)] == ["email", "resident_id", "card", "email", "resident_id"]


def test_thousands_of_findings_are_masked_in_one_text() -> None:
    """Work that grows with the square of their number would take minutes here."""
    mails = [f"user{n}@example.org" for n in range(50_000)]
    assert mask(", ".join(mails)) == ", ".join(["<EMAIL>"] * len(mails))


def test_labelled_rows_are_found_with_few_errors() -> None:
    rows = labelled()
    told = [{finding.kind for finding in find(f"{row['prompt']}\n{row['answer']}")} for row in rows]
    meant = [set(row["personal"]) for row in rows]
    right = sum(len(a & b) for a, b in zip(told, meant, strict=True))
    precision, recall = right / sum(map(len, told)), right / sum(map(len, meant))
    assert (precision, recall) >= (0.97, 0.97), [r for r, a, b in zip(rows, told, meant, strict=True) if a != b]


def test_arithmetic_word_problems_hold_no_personal_data(realdata: Path) -> None:
    lines = (realdata / "gsm8k/train.jsonl").read_text("utf-8")
    assert find(lines) == []


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_whatever_a_kind_takes_the_quick_scan_lets_through(number: int) -> None:
    """Narrow or full-width; a text that the scan holds back is never searched."""
    _, pattern, proof = KINDS[number]

    @settings(deadline=None, max_examples=60, suppress_health_check=[*HealthCheck])
    @given(st.from_regex(pattern), st.integers(0, 7))
    def check(text: str, one_in: int) -> None:
        wide = "".join(WIDE.get(sign, sign) if one_in and not n % one_in else sign for n, sign in enumerate(text))
        match = pattern.search(fold(wide))
        if match and proof(match["value" if "value" in pattern.groupindex else 0]):
            assert MAY_HOLD.search(wide), wide
            assert pc.match_substring_regex(pa.array([wide]), MAY_HOLD.pattern).to_pylist() == [True], wide

    check()


WIDE = {narrow: chr(wide) for wide, narrow in FOLDED.items()}


def labelled() -> list[dict]:
    path = Path(__file__).parents[1] / "quality/labelled.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a":"Call\\n13812345678"}', '{"a":"Call\\n<PHONE>"}'),
        ('{"a":"\\u7535\\u8bdd13812345678"}', '{"a":"\\u7535\\u8bdd<PHONE>"}'),
        ('{"meta":"{\\"a\\":\\"x\\\\n13812345678', '{"meta":"{\\"a\\":\\"x\\\\n<PHONE>'),
        ('{"a":"x\\ta@b.org"}', '{"a":"x\\t<EMAIL>"}'),
        ('{"a":"C:\\\\new \\d{3}"}', '{"a":"C:\\\\new \\d{3}"}'),
    ],
)
def test_in_json_an_escape_is_no_letter(text: str, shown: str) -> None:
    assert mask_json(text) == shown


@given(st.sampled_from(["GB", "DE", "FR"]), st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=18, max_size=18))
def test_every_account_with_right_check_digits_is_found_and_no_other(country: str, body: str) -> None:
    """ISO 13616: the check digits are 98 - (account, country and 00 as digits) mod 97."""
    right = 98 - int("".join(str(int(sign, 36)) for sign in f"{body}{country}00")) % 97
    kinds = {n: [finding.kind for finding in find(f"to {country}{n:02d}{body}!")] for n in (right, right % 97 + 1)}
    assert "iban" in kinds[right]
    assert "iban" not in kinds[right % 97 + 1]
