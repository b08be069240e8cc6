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
