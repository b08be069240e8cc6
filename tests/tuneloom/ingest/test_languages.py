"""Language names and tags as sources write them."""

import pytest

from tuneloom.ingest.languages import language_code


@pytest.mark.parametrize("value", ["English", "en", " EN ", "en-US", "en_GB", "eng", "eng_Latn", ["English"]])
def test_english_by_every_name(value: object) -> None:
    assert language_code(value) == "en"


@pytest.mark.parametrize("value", [None, 7, "", "Klingonese", ["English", "French"], []])
def test_what_is_no_single_known_language_is_none(value: object) -> None:
    assert language_code(value) is None


@pytest.mark.parametrize("value", ["cpp", "PHP", "go", "ts", "sql"])
def test_a_programming_language_is_none_of_the_words(value: str) -> None:
    assert language_code(value) is None


def test_chinese_by_its_own_name() -> None:
    assert language_code("中文") == language_code("zh-Hans-CN") == "zh"


def test_names_that_would_pass_for_a_tag() -> None:
    assert (language_code("Lao"), language_code(["Central Khmer"]), language_code("Farsi")) == ("lo", "km", "fa")
