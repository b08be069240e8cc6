"""The wording behind a cluster."""

import pytest

from tuneloom.dedup.wording import common_wording


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([f"Name the capital of {name} today." for name in ("France", "Chad", "Peru")], "Name the capital of …"),
        ([f"{name}: is it good or bad?\nSay so." for name in ("A", "B")], "… is it good or bad? Say so."),
        ([f"请把这句话翻译成{name}文：你好" for name in ("英", "法")], "请把这句话翻译成 …文：你好"),
        (["one two", "one two"], "one two"),
        (["one two three", "four five six"], "…"),
        (["only this"], "only this"),
        (["", ""], ""),
        ([], ""),
    ],
)
def test_known_wordings(texts: list[str], expected: str):
    assert common_wording(texts) == expected
