"""What exemplars are compared by: how much it holds, and what is a twin or a passage in either script."""

from tuneloom.render.shots import COMPARED, Exemplar, exemplar


def of(text: str, row_id: str = "", **more: str) -> Exemplar:
    return exemplar(row_id or text, {"instruction": row_id, "input": text, **more})


def test_an_exemplar_holds_eight_bytes_a_character_and_no_more_of_a_book() -> None:
    text = " ".join(f"{number}" for number in range(500))
    assert len(text) - 20 <= len(of(text).grams) <= len(text)
    book = " ".join(f"{number}" for number in range(50_000))
    assert of(book).grams.nbytes <= 8 * COMPARED
    assert of(book).grams.tolist() == sorted({*of(book).grams.tolist()})


def test_twins_are_told_by_half_of_all_eight_grams_as_sets() -> None:
    def share(one: str, other: str) -> float:
        first, second = ({text[i : i + 8] for i in range(len(text) - 7)} for text in (one, other))
        return len(first & second) / len(first | second)

    text = "the old lighthouse keeper counted ships on monday"
    for cut in range(4, len(text), 3):
        other = text[:cut] + "".join(reversed(text[cut:]))
        assert of(text).gives_away(of(other)) == (share(text, other) >= 0.5), other


def test_chinese_is_compared_by_runs_of_four_characters() -> None:
    text, other = "请把今天的天气预报翻译成英文", "请把明天的天气预报翻译成日文"
    assert of(text).gives_away(of(other.replace("日", "英")))
    assert not of(text).gives_away(of("昨天的足球比赛结果是什么"))
    assert len(of(text).grams) == len(text) - 3


def test_a_short_chinese_passage_is_a_passage_as_it_is_for_the_split() -> None:
    verse = "床前明月光疑是地上霜"
    one, other = (of(asked, asked, context=verse) for asked in ("谁写了这首古老的诗歌", "第二行里的霜字意思"))
    assert one.gives_away(other)
    assert not of("Who rules?", "a", context="法国").gives_away(of("What is eaten there?", "b", context="法国"))
