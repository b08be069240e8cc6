"""The realised mixture in words: rows, uses, shares, and a bar as long as its share."""

from pathlib import Path

from tests.tuneloom.mixture.test_stage import mixed
from tuneloom.config import Mixture
from tuneloom.mixture.describe import BAR, mixture_lines


def test_a_line_has_the_rows_chosen_the_uses_and_a_bar(tmp_path: Path) -> None:
    lines = list(mixture_lines(mixed(tmp_path, Mixture(weights={"b": 3}, cap=6)).stats))
    head, b, a = (line.split() for line in lines[1:4])
    assert head == ["source", "rows", "used", "characters", "share"]
    assert (b[:5], b[-1]) == (["b", "6", "of", "8", "18"], "#" * (BAR * 3 // 4))
    assert (a[:5], a[-1]) == (["a", "6", "of", "12", "6"], "#" * (BAR // 4))
    assert lines[-1] == "not selected: 8 by cap; uses beyond a row's first: 12"


def test_a_table_of_one_line_is_left_out(tmp_path: Path) -> None:
    said = "\n".join(mixture_lines(mixed(tmp_path, Mixture()).stats))
    assert "task" in said
    assert "language" not in said
