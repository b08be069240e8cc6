"""The table of traditional characters."""

from tuneloom.text.traditional import SIMPLIFIED, TRADITIONAL


def test_each_traditional_character_has_one_simplified_and_that_is_none_of_them():
    assert len(TRADITIONAL) == len(SIMPLIFIED) == len(set(TRADITIONAL))
    assert not set(TRADITIONAL) & set(SIMPLIFIED)


def test_known_characters():
    table = dict(zip(TRADITIONAL, SIMPLIFIED, strict=True))
    assert "".join(table.get(char, char) for char in "漢語體發髮後臺灣學習") == "汉语体发发后台湾学习"
    assert not set("一中人日本語气気あア".replace("語", "")) & set(TRADITIONAL), "no Kana, no Japanese form"
