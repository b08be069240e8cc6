"""Personal data and secrets in text: where they stand, and the text with marks in their place.

Each kind is a pattern and, where the kind has one, a proof: Luhn for cards (ISO/IEC 7812), the check sign and the
birthday of GB 11643-1999 for Chinese resident numbers, mod 97 for bank accounts (IBAN, ISO 13616), the numbers that the
Social Security Administration never gives out, public host addresses for IP, mixed characters for keys. What has no
proof of its own (passports, account names, old resident numbers) is taken only after the word that announces it.
Patterns alone would flag dates, sums and code. Full-width letters and digits are read as the narrow ones (Unicode,
block "Halfwidth and Fullwidth Forms"). Whatever people see passes `mask`; a `Finding` holds no raw value.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv6Address
from operator import attrgetter

from tuneloom.records import digest
from tuneloom.text.full_width import FOLDED, HYPHENS, SPACES, fold

_ESCAPE = re.compile(r"\\+(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)


@dataclass(frozen=True, order=True)
class Finding:
    """Personal data at `text[start:end]`; `kind` is the mark's word in lower case (`email`, `resident_id`)."""

    start: int
    end: int
    kind: str


def find(text: str) -> list[Finding]:
    """Where personal data stand, in order, none overlapping: `"mail a@b.org"` -> `[Finding(5, 12, "email")]`.

    Looks again where something was found, as if it were gone: `a@b.org+1 (415) 555-0132` is a phone only then.
    """
    text, found = fold(text), []
    while MAY_HOLD.search(text) and (more := _find_once(text)):
        found += more
        text = _replaced(text, more, lambda finding: f"<{chr(0) * (finding.end - finding.start - 2)}>")
    return sorted(found, key=attrgetter("start"))


def mask(text: str) -> str:
    """The text with every finding replaced by its mark: `"电话13812345678。"` -> `"电话<PHONE>。"`."""
    return put_marks(text, find(text))


def mask_json(text: str) -> str:
    """`mask` for JSON as text, whole or broken: of `"Call\\n13812345678"` the n is no letter against the number."""
    return mask(put_marks(text, find(without_escapes(text))))


def without_escapes(text: str) -> str:
    """The text with a space for each letter of an escape, as long as before: `"a\\n1"` -> `"a  1"`."""
    return _ESCAPE.sub(lambda escape: " " * len(escape[0]), text)


def put_marks(text: str, findings: Sequence[Finding]) -> str:
    """The text with a mark in place of each of its findings, which are in order."""
    return _replaced(text, findings, lambda finding: f"<{finding.kind.upper()}>")


def _replaced(text: str, findings: Sequence[Finding], sign: Callable[[Finding], str]) -> str:
    """The text with signs in place of the findings, which are in order; one join, for there may be thousands."""
    pieces: list[str] = []
    at = 0
    for finding in findings:
        pieces += (text[at : finding.start], sign(finding))
        at = finding.end
    return "".join([*pieces, text[at:]])


def _find_once(text: str) -> list[Finding]:
    """What the kinds take, one after the other, in order of place."""
    found: list[Finding] = []
    starts: list[int] = []
    for kind, pattern, proof in KINDS:
        for match in pattern.finditer(text):
            start, end = match.span("value" if "value" in pattern.groupindex else 0)
            place = bisect_left(starts, start)
            free = (place == 0 or found[place - 1].end <= start) and (place == len(found) or end <= starts[place])
            if free and proof(text[start:end]):
                found.insert(place, Finding(start, end, kind))
                starts.insert(place, start)
    return found


_HYPHENS = re.escape(HYPHENS)
MAY_HOLD = re.compile(
    rf"[@０-９＠Ａ-Ｚａ-ｚ]|[0-9][0-9.．(){SPACES}{_HYPHENS}]{{5}}|[A-Za-z0-9_＿+＋/{_HYPHENS}]{{20}}"
    rf"|[微薇]信|支付宝|[QqVv][QqXx]|[WwAa](?:[Ee][{SPACES}]?[Cc][Hh][Aa][Tt]|[Ll][Ii][Pp][Aa][Yy])"
    rf"|[A-Z][A-Z][0-9][0-9][A-Z0-9{SPACES}]{{11}}|eyJ|BEGIN[{SPACES}]"
    r"|\\u[0-9a-fA-F]{4}|:[0-9a-fA-F]{0,4}:[0-9a-fA-F]{0,4}:"
)
"""No text without a match holds any of it; cheap, and plain enough for other regex engines."""


def _is_card(value: str) -> bool:
    digits = _digits(value)
    length, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    issued = (
        (digits[0] == "4" and length in (13, 16, 19))  # Visa
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and length == 16)  # Mastercard
        or (two in (34, 37) and length == 15)  # American Express
        or ((four == 6011 or two == 65 or 644 <= three <= 649) and length == 16)  # Discover
        or (two == 62 and 16 <= length <= 19)  # UnionPay
        or (two == 35 and length == 16)  # JCB
        or (two in (36, 38, 39) and length == 14)  # Diners
    )
    return issued and len(set(digits)) > 1 and _luhn(digits)


def _luhn(digits: str) -> bool:
    """`"4000000000000002"` -> True."""
    doubled = [int(d) * (1 + n % 2) for n, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _is_resident_number(value: str) -> bool:
    """Region, birthday, serial number, check sign: `"11010519491231002X"` -> True."""
    body, sign = value[:17], value[17].upper()
    try:
        date(int(body[6:10]), int(body[10:12]), int(body[12:14]))
    except ValueError:
        return False
    total = sum(int(d) * weight for d, weight in zip(body, _RESIDENT_WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == sign


_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _is_public_host(value: str) -> bool:
    """Not a private, loopback or reserved address, and not what reads as a version or section (all parts below 20)."""
    a, b, c, d = (int(part) for part in value.split("."))
    if max(a, b, c, d) > 255 or max(a, b, c, d) < 20 or d in (0, 255):
        return False
    reserved = a in (0, 10, 127) or a >= 224
    return not (reserved or (a, b) in ((192, 168), (169, 254)) or (a == 172 and 16 <= b <= 31))


def _is_public_ipv6(value: str) -> bool:
    """`"2a00:1450:4009::200e"` -> True; link-local, documentation and loopback addresses are nobody's."""
    try:
        return IPv6Address(value).is_global
    except ValueError:
        return False


def _is_iban(value: str) -> bool:
    """Two check digits over all the rest: `"GB82 WEST 1234 5698 7654 32"` -> True."""
    plain = re.sub(r"[ -]", "", value).upper()
    if not 15 <= len(plain) <= 34 or plain[:2] not in _IBAN_COUNTRIES.split():
        return False
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


_IBAN_COUNTRIES = (
    "AD AE AL AT AZ BA BE BG BH BR BY CH CR CY CZ DE DK DO EE EG ES FI FO FR GB GE GI GL GR GT HR HU IE IL IQ IS IT JO"
    " KW KZ LB LC LI LT LU LV LY MC MD ME MK MR MT MU NL NO PK PL PS PT QA RO RS SA SC SE SI SK SM TL TN TR UA VA VG"
    " XK"
)


def _is_social_security(value: str) -> bool:
    """Area 000, 666 and from 900 on, group 00 and serial 0000 are never given out; `123-45-6789` is everybody's."""
    area, group, serial = re.split(r"[- ]", value)
    given = area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"
    return given and value != "123-45-6789" and len(set(_digits(value))) > 2


def _is_old_resident_number(value: str) -> bool:
    """15 digits, the birthday's year of two and no check sign: `"110105491231002"` -> True."""
    try:
        date(1900 + int(value[6:8]), int(value[8:10]), int(value[10:12]))
    except ValueError:
        return False
    return value[0] in "12345678"


def _is_account(value: str) -> bool:
    """Not a word of a sentence: account names are digits, or mix letters with digits or signs."""
    return bool(re.search(r"[\d_\-]", value))


def _is_mobile(value: str) -> bool:
    """A Chinese mobile number of an allotted prefix, and no round number such as 13000000000."""
    return not _digits(value).endswith("000000")


def _is_american(value: str) -> bool:
    """Toll-free, premium and Chinese 400 numbers belong to companies."""
    digits = _digits(value)[-10:]
    return digits[:3] not in {"400", "800", "888", "877", "866", "855", "844", "833", "900"} and len(set(digits)) > 2


def _is_international(value: str) -> bool:
    return 8 <= len(_digits(value)) <= 15 and len(set(_digits(value))) > 2


def _is_number_in_context(value: str) -> bool:
    return 7 <= len(_digits(value)) <= 15 and len(set(_digits(value))) > 2


def _is_address(value: str) -> bool:
    """`git@github.com` is a place for code; a mail program's `noreply@` is nobody."""
    return not value.lower().startswith(("git@", "noreply@", "no-reply@"))


def _is_random(value: str) -> bool:
    """Keys mix digits and letters and repeat little; `sk-xxxxxxxxxxxxxxxxxxxx` and `your_secret_access_key` do not."""
    return len(set(value)) >= 10 and bool(re.search(r"\d", value)) and bool(re.search(r"[A-Za-z]", value))


def _always(value: str) -> bool:
    return True


def _digits(value: str) -> str:
    return re.sub(r"\D", "", value)


_NO_NUMBER_BEFORE = r"(?<![A-Za-z0-9_])(?<![0-9][.,/])(?<![+*/×÷=] )(?<![+*/×÷])"
_NO_NUMBER_AFTER = r"(?![A-Za-z0-9_])(?![.,/]\d)(?![ ]?(?:[+*/=×÷][ ]?\d|[乘除加减]))"
"""Not a piece of a longer number or word, and no operand of a sum."""
_KEY_SHAPES = r"""(?<![A-Za-z0-9_\-])(?:
      sk-(?:proj-|ant-|live-|test-)?[A-Za-z0-9_\-]{20,}        # OpenAI, Anthropic
    | (?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{20,}               # Stripe
    | gh[pousr]_[A-Za-z0-9]{36,} | github_pat_[A-Za-z0-9_]{40,} | glpat-[A-Za-z0-9_\-]{20,}
    | (?:AKIA|ASIA)[A-Z0-9]{16}                                 # AWS
    | AIza[A-Za-z0-9_\-]{35}                                    # Google
    | xox[abeprs]-[A-Za-z0-9\-]{20,}                            # Slack
    | hf_[A-Za-z0-9]{30,} | npm_[A-Za-z0-9]{36} | SG\.[A-Za-z0-9_\-]{20,}\.[A-Za-z0-9_\-]{20,}
    | eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}   # JSON web token
    )(?![A-Za-z0-9])"""
_KEY_IN_CONTEXT = r"""(?:api[_\- ]?key|apikey|secret(?:[_\- ]?(?:access)?[_\- ]?key)?|access[_\- ]?(?:key|token)
    |auth[_\- ]?token|bearer|password|passwd|密钥|令牌|密码)["']?\s{0,3}(?:[:=：]|是|is)?\s{0,3}["'`]?
    (?P<value>[A-Za-z0-9_\-+/]{20,}={0,2})(?![A-Za-z0-9])"""
_ACCOUNT_IN_CONTEXT = r"""(?:[微薇]信号?|支付宝(?:账号|帐号|账户)?|QQ(?<![A-Za-z0-9]QQ)(?:\ number|号?码?)
    |[加我的]vx号?|vx(?<![A-Za-z0-9]vx)(?:号|(?=：))|(?-i:VX)(?<![A-Za-z0-9]VX)(?=:)  # vx alone is a speed
    |we(?<![A-Za-z0-9_]we)\ ?chat(?:\ id)?|alipay(?<![A-Za-z0-9_]alipay)(?:\ account)?)
    (?:\ is|是|为)?[\s:：="']{0,3}(?P<value>[A-Za-z][A-Za-z0-9_\-]{5,19}|[1-9]\d{4,11})(?![A-Za-z0-9_\-@.])"""
_PASSPORT_IN_CONTEXT = r"""(?:\bpassport(?:\ (?:number|no\.?))?|护照(?:号码?)?)(?:\ is|是|为)?[\s:：#"']{0,3}
    (?P<value>[A-Z]{1,2}\d{7,8}|\d{9})(?![A-Za-z0-9])"""
_OLD_ID_IN_CONTEXT = r"""(?:身份证(?:号码?)?|resident\ id(?:entity)?(?:\ number)?)(?:\ is|是|为)?[\s:："']{0,3}
    (?P<value>\d{15})(?!\d)"""
_PHONE_IN_CONTEXT = r"""(?:\b(?:tele)?phone(?:\ number)?|\bmobile(?:\ number)?|\bcell|\btel|\bfax|\bwhatsapp
    |电话(?:号码)?|手机号?码?|联系方式|座机|传真|致电|拨打)
    (?:\ is|是|为)?[\s:：.#"'=]{0,4}(?P<value>\+?[0-9(][0-9 ()\-]{5,17}[0-9])(?![0-9]|[.,:/][0-9])"""

_Kind = tuple[str, re.Pattern[str], Callable[[str], bool]]
KINDS: tuple[_Kind, ...] = tuple(
    (kind, re.compile(pattern, re.ASCII | flags), proof)
    for kind, pattern, flags, proof in (
        (
            "key",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]{20,8000}?-----END [A-Z ]*PRIVATE KEY-----"
            r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\s|\\n)*[A-Za-z0-9+/=\s]{40,8000}",  # its end was cut off
            0,
            _always,
        ),
        ("key", _KEY_SHAPES, re.VERBOSE, _is_random),
        ("key", _KEY_IN_CONTEXT, re.VERBOSE | re.IGNORECASE, _is_random),
        (
            "email",
            r"(?<![A-Za-z0-9_.+%\-])[A-Za-z0-9_][A-Za-z0-9_.+%\-]{0,63}@(?:[A-Za-z0-9\-]{1,63}\.){1,5}[A-Za-z]{2,24}"
            r"(?![A-Za-z0-9@])",
            0,
            _is_address,
        ),
        ("resident_id", r"(?<![A-Za-z0-9_.])[1-8]\d{16}[\dXx](?![A-Za-z0-9_])", 0, _is_resident_number),
        ("resident_id", _OLD_ID_IN_CONTEXT, re.VERBOSE | re.IGNORECASE, _is_old_resident_number),
        ("passport", _PASSPORT_IN_CONTEXT, re.VERBOSE | re.IGNORECASE, _always),
        (
            "iban",
            r"(?<![A-Za-z0-9_])[A-Z]{2}\d{2}(?:[A-Z0-9]{11,30}"
            r"|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)(?![A-Za-z0-9_])",
            0,
            _is_iban,
        ),
        (
            "social_security",
            rf"{_NO_NUMBER_BEFORE}(?<![0-9]-)\d{{3}}([- ])\d{{2}}\1\d{{4}}(?!-){_NO_NUMBER_AFTER}",
            0,
            _is_social_security,
        ),
        (
            "card",
            rf"{_NO_NUMBER_BEFORE}(?:\d{{4}}([ -]?)\d{{4}}\1\d{{4}}\1\d{{1,7}}(?:\1\d{{1,3}})?"
            rf"|\d{{4}}[ -]?\d{{6}}[ -]?\d{{4,5}}){_NO_NUMBER_AFTER}",
            0,
            _is_card,
        ),
        (
            "ip",
            r"(?<![A-Za-z0-9_.])(?<![vV] )(?:\d{1,3}\.){3}\d{1,3}(?![A-Za-z0-9_]|\.\d|/\d)",
            0,
            _is_public_host,
        ),
        (
            "ip",
            r"(?<![A-Za-z0-9_.:])(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}(?![A-Za-z0-9_:]|\.\d)",
            0,
            _is_public_ipv6,
        ),
        ("account", _ACCOUNT_IN_CONTEXT, re.VERBOSE | re.IGNORECASE, _is_account),
        (
            "phone",
            rf"(?:(?<![0-9+])(?:\+|00)?86[ -]?|{_NO_NUMBER_BEFORE})"
            rf"1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])([ -]?)\d{{4}}\1\d{{4}}{_NO_NUMBER_AFTER}",
            0,
            _is_mobile,
        ),
        (
            "phone",
            rf"(?<![A-Za-z0-9_.+)-])(?:\+?1[ .-]?)?(?:\([2-9]\d\d\)[ ]?|[2-9]\d\d([.-]))\d{{3}}[ .-]\d{{4}}"
            rf"{_NO_NUMBER_AFTER}",
            0,
            _is_american,
        ),
        ("phone", r"(?<![A-Za-z0-9_.-])0\d{2,3}-\d{7,8}(?![0-9-])", 0, _is_number_in_context),
        (
            "phone",
            r"(?<![A-Za-z0-9_.)+^])\+[1-9]\d{0,2}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,5}\d(?![A-Za-z0-9_])",
            0,
            _is_international,
        ),
        ("phone", _PHONE_IN_CONTEXT, re.VERBOSE | re.IGNORECASE, _is_number_in_context),
    )
)
"""In order of certainty: where two kinds claim the same characters, the first has them."""

KINDS_DIGEST = digest(
    repr([MAY_HOLD.pattern, FOLDED, *((kind, pattern.pattern, pattern.flags) for kind, pattern, _ in KINDS)])
)[:8]
"""Tells sets of patterns apart; the proofs are not in it."""
