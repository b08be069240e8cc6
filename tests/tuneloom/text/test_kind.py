"""Natural language, code and both, line by line."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.text import kind
from tuneloom.text.kind import detect_kind

PYTHON = "def mean(values):\n    # sums once\n    total = sum(values)\n    return total / len(values)\n"


@pytest.mark.parametrize(
    "text",
    [
        PYTHON,
        "```python\nprint('hi')\n```",
        "SELECT name, age\nFROM people\nWHERE age > 30\nORDER BY name;",
        "for (let i = 0; i < 10; i++) {\n  console.log(i);\n}",
        "<ul>\n  <li>One</li>\n  <li>Two</li>\n</ul>",
        "#include <stdio.h>\nint main() {\n  return 0;\n}",
        ".title {\n  color: red;\n  font-size: 12px;\n}",
    ],
)
def test_code_is_code(text: str) -> None:
    assert detect_kind(text) == "code"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The condition of the prison in 1850 may be gathered from the report; much remained to be done;",
        "Given the list of concepts: station, sit, train;\nGenerate a sentence with all the concepts.",
        "54*2=$<<54*2=108>>108 is the price of 2 pairs of pants.\n#### 10",
        "# A heading\n\nSome words below it.\n\n- one point\n- another point",
        "请把下面的句子翻译成英文：今天天气很好（阳光明媚）。",
        "Pick a random noun from the following list\nlist: dog, cat, bird, car",
        "return to the city\nimport duties rose in the following year",
    ],
)
def test_prose_is_natural(text: str) -> None:
    assert detect_kind(text) == "natural"


def test_a_question_with_its_program_is_mixed() -> None:
    asked = "Write a Python function that computes the mean of a list of numbers, and explain in two sentences why."
    told = "It adds the values and divides the sum by their number, so each of them is looked at once only."
    assert detect_kind(f"{asked}\n{PYTHON}\n{told}") == "mixed"


def test_a_fence_that_never_closes_runs_to_the_end() -> None:
    assert detect_kind("```\nplain words\nand more of them") == "code"


def test_a_comment_alone_is_a_heading_and_beside_code_is_code() -> None:
    assert detect_kind("# load the data") == "natural"
    assert detect_kind("# load the data\nrows = read(path)") == "code"


@given(st.text())
def test_any_text_has_a_kind(text: str) -> None:
    assert detect_kind(text) in {"natural", "code", "mixed"}


_PIECES = st.sampled_from(
    [
        *"={};<>()[]:'\"@$.#/*-+ \t",
        "if ",
        "else",
        "def ",
        "return",
        "print",
        "x",
        "1",
        " = ",
        "import ",
        "SELECT",
        "a b",
    ]
)


@settings(max_examples=2_000)
@given(st.lists(_PIECES, max_size=8))
def test_no_code_line_is_passed_over_by_the_quick_look(pieces: list[str]) -> None:
    line = "".join(pieces)
    symbols = [symbol for symbol in kind._SYMBOLS if symbol in line]
    assert kind._is_code(line, symbols) == bool(kind._CODE_LINE.match(line))


def test_a_long_line_of_dots_and_letters_takes_no_time() -> None:
    assert detect_kind("a.." * 20_000 + "{") == "natural"


def test_real_prose_is_hardly_ever_taken_for_code(realdata: Path) -> None:
    rows = [json.loads(line) for line in (realdata / "gsm8k/train.jsonl").open(encoding="utf-8")]
    code = sum(detect_kind(f"{row['question']}\n{row['answer']}") != "natural" for row in rows)
    assert code / len(rows) < 0.002
    answers = json.loads((realdata / "code/code_alpaca_2k.json").read_text("utf-8"))
    found = sum(detect_kind(f"{row['instruction']}\n{row['output']}") != "natural" for row in answers)
    assert found / len(answers) > 0.8
