"""Candidates and verdicts; recall against a brute-force join by another implementation."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tuneloom.dedup.builders import ingest_rows, judged, marked, numbered, said
from tests.tuneloom.dedup.sources import alpaca, t0
from tuneloom.artifacts import Artifact, Store
from tuneloom.config import Dedup, Near
from tuneloom.dedup.bands import shared_buckets
from tuneloom.dedup.verdicts import Verdicts
from tuneloom.records import Conversation, Message
from tuneloom.text.signatures import bands_for
from tuneloom.workers import Threads


def verdicts_on(folder: Path, rows: list[Conversation], config: Dedup | None = None) -> Verdicts:
    """With the first row best, then the second, ...; positions are those of `rows`."""
    store = Store(folder / "store")
    ingested = ingest_rows(store, *([row] for row in numbered(rows)))
    return judged(store, ingested, config or Dedup(), np.arange(len(rows)))


WORDS = [f"word{n}" for n in range(14)]
LONG = " ".join(WORDS * 3)


def test_t1_short_rows_are_neither_lost_nor_merged(tmp_path: Path):
    rows = [
        said(p, a)
        for p, a in (("hi", "yo"), ("hi", "no"), ("ho", "yo"), ("", ""), ("?", "!"), ("!", "?"), ("你", "好"))
    ]
    assert verdicts_on(tmp_path, rows).kept.all()


def test_t1_short_duplicates_are_found(tmp_path: Path):
    found = verdicts_on(tmp_path, [said("Hi.", "yo"), said("hi", "Yo!"), said("你 好", "是"), said("你好。", "是")])
    assert found.survivor.tolist() == [-1, 0, -1, 2]
    assert not found.near.any()


def test_t6_of_a_pair_one_stays_and_of_a_chain_every_loser_has_a_kept_witness(tmp_path: Path):
    rows = [said(" ".join(WORDS * 3 + [f"x{k}" for k in range(n)]), "a") for n in range(9)]
    found = verdicts_on(tmp_path, rows)
    assert found.kept.tolist() == [True, False, False, False, True, False, False, False, False]
    assert found.kept[found.survivor[~found.kept]].all()


def test_t9_a_definition_or_system_prompt_makes_no_two_rows_alike(tmp_path: Path):
    """As long a definition as it may be, in the fields and in the system's turn."""
    inputs = ("a short question", "quite another one", "and a third thing")
    rows = [said(f"{LONG}\n{text}", "yes", fields={"definition": LONG, "input": text}) for text in inputs]
    turns = [(Message("system", LONG), Message("user", text), Message("assistant", "yes")) for text in inputs]
    assert verdicts_on(tmp_path, [*rows, *(Conversation(turn) for turn in turns)]).near.sum() == 0


def test_t8_one_prompt_with_other_answers_stays(tmp_path: Path):
    assert verdicts_on(tmp_path, [said(LONG, "yes"), said(LONG, "no"), said(LONG + " x", "maybe")]).kept.all()


def test_t8_one_answer_to_many_prompts_stays(tmp_path: Path):
    assert verdicts_on(tmp_path, [said(" ".join(WORDS[n:] + WORDS[:n]), LONG) for n in range(0, 14, 3)]).kept.all()


@pytest.mark.parametrize(("compare", "lost"), [("prompt", [1]), ("answer", [2]), ("both", [])])
def test_t8_compare_chooses(tmp_path: Path, compare: str, lost: list[int]):
    rows = [said(LONG, LONG), said(LONG + " x", "other"), said("other", LONG + " x")]
    found = verdicts_on(tmp_path, rows, Dedup(near=Near(compare=compare)))
    assert np.flatnonzero(~found.kept).tolist() == lost


def test_t10_numbers_make_other_rows(tmp_path: Path):
    rows = [said("12*7=?", "84"), said("3*99=?", "297"), said("12*7=?", "84."), said("12/7=?", "84")]
    assert verdicts_on(tmp_path, rows).survivor.tolist() == [-1, -1, 0, -1]


def test_t11_unicode_forms_are_exact_duplicates(tmp_path: Path):
    rows = [said("Ｗｈａｔ is cafe\u0301?", "Ａ"), said("what is CAFÉ", "a\u200b"), said("what is cafe", "a")]
    assert verdicts_on(tmp_path, rows).survivor.tolist() == [-1, 0, -1]


def test_t11_traditional_and_simplified_chinese_are_exact_duplicates(tmp_path: Path):
    """In the key alone; code keeps what is written."""
    rows = [
        said("請解釋什麼是機器學習。", "好的"),
        said("请解释什么是机器学习", "好的"),
        said("请解释什么是深度学习", "好的"),
    ]
    assert verdicts_on(tmp_path, rows).survivor.tolist() == [-1, 0, -1]
    code = [said("f", f"print('{text}')", kind="code") for text in ("機器", "机器")]
    assert verdicts_on(tmp_path / "code", code).kept.all()


def test_t12_chinese_near_duplicates_share_a_survivor(tmp_path: Path):
    prompt = (
        "请把下面这段关于气候变化的文字翻译成英文，并且保持原来的语气和格式不变，不要添加任何解释。"
        "近年来全球平均气温持续升高，许多地区频繁出现干旱和洪水，科学家呼吁各国政府尽快采取行动。"
    )
    rows = [
        said(prompt, "好的"),
        said(prompt.replace("不要", "请勿"), "好的。"),  # 6 of 78 runs are others
        said(prompt.replace("气候变化", "经济发展").replace("全球平均气温", "居民家庭收入"), "好的"),
    ]
    found = verdicts_on(tmp_path, rows)
    assert found.survivor.tolist() == [-1, 0, -1]
    runs = [_runs("".join(re.findall(r"\w", row.messages[0].content))) for row in rows]
    assert found.similarity[1, 0] == pytest.approx(len(runs[0] & runs[1]) / len(runs[0] | runs[1]))
    assert found.similarity[1, 1] == 1.0


def _runs(text: str) -> set[str]:
    return {text[i : i + 5] for i in range(len(text) - 4)}


def talk(*texts: str, weights: tuple[int, ...] = (), **more: object) -> Conversation:
    """User and assistant in turn; `weights` of the answers."""
    weight = [1, *weights[:1], 1, *weights[1:]] if weights else [1] * len(texts)
    turns = zip(texts, ("user", "assistant") * len(texts), weight, strict=False)
    return Conversation(tuple(Message(role, text, weight=n) for text, role, n in turns), **more)


def test_t16_a_conversation_that_another_begins_with_goes(tmp_path: Path):
    rows = [
        talk("Hi", "Hello", "And?", "Ciao", "So?", "Bye"),
        talk("Hi", "Hello"),
        talk("Hi", "Hello", "And?", "Ciao"),
        talk("Hi", "Other"),
        talk("Hi", "Hello", "But?", "Ciao"),
        said("hi", "hello!"),  # equal to the second, in other writing
        talk("你好", "您好"),
        talk("你好", "您好", "再见", "再见"),
    ]
    found = verdicts_on(tmp_path, rows, Dedup(near=None))
    assert found.survivor.tolist() == [-1, 0, 0, -1, -1, 0, 7, -1]
    assert found.prefix.tolist() == [False, True, True, False, False, True, True, False]
    assert (found.similarity[[1, 2, 5, 6]] == 1).all()
    assert verdicts_on(tmp_path / "off", rows, Dedup(exact=False, near=None)).kept.all()


def test_t16_what_the_longer_conversation_does_not_teach_stays(tmp_path: Path):
    """An answer kept out of the loss there, another role, another task; a conversation too long to train."""
    rows = [
        talk("Hi", "Hello", "And?", "Ciao", weights=(0, 1)),
        talk("Hi", "Hello"),
        Conversation((Message("user", "Q"), Message("tool", "A"), Message("user", "R"), Message("assistant", "B"))),
        talk("Q", "A"),
        talk("T", "U", "V", "W", fields={"definition": "one"}),
        talk("T", "U", fields={"definition": "other"}),
        talk("L", "M", "N", "word " * 4000),
        talk("L", "M"),
    ]
    assert verdicts_on(tmp_path, rows, Dedup(near=None)).kept.all()


def test_t16_a_row_that_others_were_rejected_for_stays_their_witness(tmp_path: Path):
    rows = [talk(LONG, "Yes"), talk(LONG, "Yes", "Why?", "So."), talk(LONG + " x", "Yes")]
    found = verdicts_on(tmp_path, rows)
    assert found.survivor.tolist() == [-1, -1, 0]
    assert found.kept[found.survivor[~found.kept]].all()


def test_t17_who_speaks_and_what_trains_make_other_rows(tmp_path: Path):
    """The words alone are the same; each teaches something else."""
    rows = [
        talk("Hi", "Hello", "Bye", "Ciao"),
        talk("Hi", "Hello", "Bye", "Ciao", weights=(0, 1)),
        said("Hi\nHello\nBye", "Ciao"),
        Conversation(
            (Message("user", "Hi"), Message("tool", "Hello"), Message("user", "Bye"), Message("assistant", "Ciao"))
        ),
    ]
    assert verdicts_on(tmp_path, rows).kept.all()
    again = [Conversation((Message("system", "Be brief."), *row.messages)) for row in rows]
    assert verdicts_on(tmp_path / "system", [*rows, *again]).survivor.tolist() == [-1] * 4 + [0, 1, 2, 3]


def test_t14_a_long_text_is_compared_to_its_end(tmp_path: Path):
    start = " ".join(f"word{n}" for n in range(30_000))
    ends = [" ".join(f"{name}{n}" for n in range(30_000)) for name in ("one", "two")]
    rows = [said(f"{start} {ends[0]}", "a"), said(f"{start} {ends[1]}", "a"), said(f"{start} {ends[0]} x", "a")]
    found = verdicts_on(tmp_path, rows)
    assert found.survivor.tolist() == [-1, -1, 0]
    assert verdicts_on(tmp_path / "exact", rows, Dedup(near=None)).kept.all()


def test_t18_nothing_said_makes_no_two_rows_alike(tmp_path: Path):
    other = " ".join(f"other{n}" for n in range(40))
    empty = [said(prompt, answer) for prompt in (LONG, other) for answer in ("", "...", "N/A")]
    rows = [*empty, said("", LONG), said("", other), said("```", "x"), said("##", "x")]
    assert verdicts_on(tmp_path, rows).kept.all()


def test_t18_what_cannot_be_seen_is_nothing_said(tmp_path: Path):
    assert verdicts_on(tmp_path, [said("q", ""), said("q", " \u200b\n"), said("q", "\ufeff")]).survivor.tolist() == [
        -1,
        0,
        0,
    ]


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["", "x", "y", "x y", "x y z"]), min_size=1, max_size=8), st.integers(0, 3))
def test_t23_exact_duplicates_first_or_as_near_ones_the_same_rows_stay(
    tmp_path_factory: pytest.TempPathFactory, ends: list[str], turn: int
):
    rows = [said(f"{LONG} {end}".upper() if n % 4 == turn else f"{LONG} {end}", "a") for n, end in enumerate(ends)]
    first, as_near = (
        verdicts_on(tmp_path_factory.mktemp("rows"), rows, Dedup(exact=exact)).kept.tolist() for exact in (True, False)
    )
    assert first == as_near


def test_code_differing_in_case_or_indentation_stays(tmp_path: Path):
    rows = [said("f", code, kind="code") for code in ("if x:\n  a()\nb()", "if x:\n  a()\n  b()", "if X:\n  a()\nb()")]
    assert verdicts_on(tmp_path, rows).kept.all()


def test_code_in_a_prompt_keeps_its_indentation_too(tmp_path: Path):
    """Two programs that do not print the same, though both print 3 here."""
    codes = (
        "What does it print?\n\nfor x in (1, 2):\n    n += x\nprint(n)",
        "What does it print?\n\nfor x in (1, 2):\n    n += x\n    print(n)",
    )
    rows = [said(code, "3", kind=kind) for kind in ("mixed", "code") for code in codes]
    assert verdicts_on(tmp_path, rows).survivor.tolist() == [-1, -1, 0, 1]


def test_the_words_of_a_prompt_are_the_same_whatever_kind_of_row_its_answer_makes(tmp_path: Path):
    rows = [
        said("Write a Function that adds", "return a + b", kind="code"),
        said("write a function that adds.", "return a + b", kind="mixed"),
    ]
    assert verdicts_on(tmp_path, rows).survivor.tolist() == [-1, 0]


def test_an_equal_of_a_near_duplicate_names_the_kept_row(tmp_path: Path):
    found = verdicts_on(tmp_path, [said(LONG + " x y", "a"), said(LONG + " x", "a"), said(LONG + " X!", "a")])
    assert found.survivor.tolist() == [-1, 0, 0]
    assert found.near.tolist() == [False, True, True]
    assert found.similarity[1].tolist() == found.similarity[2].tolist()


def test_exact_and_near_can_be_turned_off(tmp_path: Path):
    rows = [said(LONG, "a"), said(LONG.upper(), "a"), said(LONG + " x", "a")]
    assert verdicts_on(tmp_path, rows, Dedup(near=None)).survivor.tolist() == [-1, 0, -1]
    found = verdicts_on(tmp_path, rows, Dedup(exact=False))
    assert found.survivor.tolist() == [-1, 0, 0]
    assert found.near.tolist() == [False, True, True]


def mutated(count: int) -> list[Conversation]:
    """Rows of which many resemble an earlier one at similarities around 0.8, in prompt, answer or both."""
    draw = random.Random(11)
    vocabulary = [f"w{n}" for n in range(400)]
    rows: list[tuple[list[str], list[str]]] = []
    for _ in range(count):
        prompt, answer = (draw.choices(vocabulary, k=draw.randint(1, 80)) for _ in range(2))
        if rows and draw.random() < 0.7:
            old = draw.choice(rows)
            prompt, answer = (_changed(part, draw, vocabulary) for part in old)
        rows.append((prompt, answer))
    return [said(" ".join(prompt), " ".join(answer)) for prompt, answer in rows]


def _changed(words: list[str], draw: random.Random, vocabulary: list[str]) -> list[str]:
    words = list(words)
    for _ in range(draw.choice([0, 0, 1, 1, 2, 3])):
        words[draw.randrange(len(words))] = draw.choice(vocabulary)
    return words


def brute_pairs(rows: list[Conversation], threshold: float) -> set[tuple[int, int]]:
    """All pairs whose prompts and answers are at least that similar, by Python sets of plain words."""
    parts = [tuple(_windows(message.content) for message in row.messages[-2:]) for row in rows]
    pairs, holders = set(), {}
    for y, (prompt, _) in enumerate(parts):
        for x in {x for shingle in prompt for x in holders.get(shingle, ())}:
            if all(len(a & b) >= threshold * len(a | b) for a, b in zip(parts[x], parts[y], strict=True)):
                pairs.add((x, y))
        for shingle in prompt:
            holders.setdefault(shingle, []).append(y)
    return pairs


def _windows(text: str) -> frozenset[tuple[str, ...]]:
    words = text.split()
    return frozenset(tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4)))


@pytest.mark.parametrize("compare", ["both", "prompt", "answer"])
@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_the_exact_search_leaves_no_pair_of_kept_rows(tmp_path: Path, threshold: float, compare: str):
    """Against stars grown over all pairs of plain Python sets: the very same verdicts."""
    rows = mutated(220)
    near = Near(threshold=threshold, compare=compare, search="exact")
    store = Store(tmp_path / "store")
    survivor = survivors_of(store, ingest_rows(store, numbered(rows)), Dedup(exact=False, near=near))
    assert survivor.tolist() == _plain_stars(rows, threshold, compare)
    assert (survivor >= 0).sum() > 20


def survivors_of(store: Store, rows: Artifact, config: Dedup) -> np.ndarray:
    """The survivor of each row, by the rows' numbers, with the first best."""
    (member,) = rows.members
    place = np.argsort([origin["row"] for origin in member.table(["origin"])["origin"].to_pylist()])
    found = judged(store, rows, config, place)
    return np.where(found.survivor[place] >= 0, np.argsort(place)[found.survivor[place]], -1)


def _plain_stars(rows: list[Conversation], threshold: float, compare: str) -> list[int]:
    parts = [tuple(_windows(message.content) for message in row.messages) for row in rows]
    counted = {"both": (0, 1), "prompt": (0,), "answer": (1,)}[compare]
    kept: list[int] = []
    survivors = []
    for x, mine in enumerate(parts):
        best = (-1.0, 0)
        for y in kept:
            scores = [len(a & b) / len(a | b) for a, b in zip(mine, parts[y], strict=True)]
            if all(scores[part] >= threshold - 1e-9 for part in counted):
                best = max(best, (sum(scores), -y))
        survivors.append(-best[1] if best[0] >= 0 else -1)
        if best[0] < 0:
            kept.append(x)
    return survivors


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_recall_and_precision_on_synthetic_rows(tmp_path: Path, threshold: float):
    rows = mutated(2000)
    check_against_brute_force(tmp_path, rows, threshold)


def test_recall_and_precision_on_real_rows(tmp_path: Path, realdata: Path):
    """ASCII words only, so that the plain implementation sees the same words; 2,000 rows."""
    rows = [_plain(row) for row in [*t0(realdata, files=20)[:1400], *alpaca(realdata)[:600]]]
    check_against_brute_force(tmp_path, rows, 0.8)


def _plain(row: Conversation) -> Conversation:
    prompt, answer = (" ".join(re.findall("[a-z]+", message.content.lower())) for message in row.messages[-2:])
    return said(prompt, answer)


def check_against_brute_force(folder: Path, rows: list[Conversation], threshold: float) -> None:
    store = Store(folder / "store")
    pairs = brute_pairs(rows, threshold)
    assert len(pairs) > 100
    ingested = ingest_rows(store, numbered(rows))
    place = np.argsort([origin["row"] for origin in ingested.table(["origin"])["origin"].to_pylist()])
    _, _, files, _ = marked(store, ingested, bands_for(threshold))
    contending, buckets = shared_buckets(files, place, Threads(2), 1 << 30)
    held = [set(buckets.numbers[slice(*buckets.bounds[n : n + 2])].tolist()) for n in range(len(contending))]
    shared = dict(zip(contending.tolist(), held, strict=True))
    met = sum(bool(shared.get(x, set()) & shared.get(y, set())) for x, y in pairs)
    assert met / len(pairs) >= 0.995

    survivor = survivors_of(store, ingested, Dedup(exact=False, near=Near(threshold=threshold)))
    lost = np.flatnonzero(survivor >= 0)
    assert (survivor[survivor[lost]] == -1).all(), "T3: a witness is kept itself"
    assert all((survivor[x], x) in pairs for x in lost.tolist()), "precision is 1"
    kept = survivor < 0
    left = [(x, y) for x, y in pairs if kept[x] and kept[y]]
    assert len(left) <= 0.005 * len(pairs), "whatever resembles a kept row went"
