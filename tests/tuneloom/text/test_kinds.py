"""Kinds of many texts by a kernel: never another kind than `detect_kind` gives."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tuneloom.text import kinds
from tuneloom.text.kind import detect_kind
from tuneloom.text.kinds import kinds_of

_WORDS = [*(word.decode() for word, _ in kinds._KEYWORDS), "else if", "foo", "x", "A", "é", "你好", "7"]
_SIGNS = [*" \t\n\r\v\f\x1c\x85\u2028.,;:=(){}[]<>'\"@#$&*+-/|%!?_`~", "```", "~~~", " = ", " => ", "):", ").", "  "]
_CODE = [
    "x = 1", "a.b, c += d", "f(x)", "f(x).g", "print('a')", '"key": 1', "'a b' : 2", "@wraps(f)", "<b>x</b>", "});",
    "]", "return x", "import os", "from a import b", "#include <a>", "if (a) {", "else:",
    "a: b;", "div .c {", "i++;", "a << b",
    "cout<<x", "SELECT a FROM b", "INNERJOIN a", "public int x = 3;", "x **= 2", "export default a", "for a in b:",
]  # fmt: skip


def _buffer(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    encoded = [text.encode() for text in texts]
    bounds = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), bounds


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(st.sampled_from([*_WORDS, *_SIGNS, *_CODE]), max_size=12).map("".join), max_size=6))
@example(_CODE)
@example(["#defineif (a) {#define"])
@example(["Add 1.", "x" * 299 + "{", "x" * 300 + "{", "x" * 298 + " {  ", "word " * 900 + "\nx = 1", ""])
def test_every_text_has_the_kind_that_it_has_alone(texts: list[str]) -> None:
    assert kinds_of(*_buffer(texts)).to_pylist() == [detect_kind(text) for text in texts]


def test_prose_is_passed_without_a_second_look() -> None:
    texts = ["If it rains, stay in. (So they say.)\nFor ever; and a day", "今天天气很好。", '"Yes," she said: "no."']
    doubts = np.zeros(len(texts), np.uint8)
    text, bounds = _buffer(texts)
    kinds._look(kinds.read_only(text), kinds.read_only(bounds), doubts)
    assert not doubts.any()
