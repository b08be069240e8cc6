"""The unplanted rows: so many of each kind and language, each truly different from all others."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

from rowmaking.dice import Dice
from rowmaking.programming import function_task, output_task, record_task, repair_task
from rowmaking.reading import classification, question, summary
from rowmaking.rows import Row
from rowmaking.similarity import Differing
from rowmaking.talking import dialogue, translation
from rowmaking.templates import material

Maker = Callable[[], Row]

# (kind, language, rows); a Chinese row costs about twice the tokens of an English one of the same length.
QUOTAS = (
    ("translation_en_zh", "en", 140),
    ("translation_en_zh", "zh", 70),
    ("translation_zh_en", "en", 140),
    ("translation_zh_en", "zh", 70),
    ("summarisation", "en", 270),
    ("summarisation", "zh", 100),
    ("question_answering", "en", 290),
    ("question_answering", "zh", 110),
    ("classification", "en", 300),
    ("classification", "zh", 120),
    ("dialogue", "en", 270),
    ("dialogue", "zh", 110),
    ("code_record", "en", 160),
    ("code_record", "zh", 45),
    ("code_function", "en", 38),
    ("code_function", "zh", 12),
    ("code_repair", "en", 12),
    ("code_repair", "zh", 12),
    ("code_output", "en", 70),
    ("code_output", "zh", 30),
)
TRIES = 400


def good_rows(seed: str, written: list[Row], bound: float, spare: int) -> tuple[list[Row], dict[str, list[Row]], float]:
    """Rows for every quota, `spare` more of each kind, and the largest Jaccard, the handwritten rows compared too."""
    differing = Differing(bound)
    for row in written:
        if not differing.admit(row):
            raise ValueError(f"handwritten row too like another: {row.whole!r}; reword it")
    rows: list[Row] = []
    spares: dict[str, list[Row]] = {}
    for kind, language, count in QUOTAS:
        name = f"{kind}.{language}"
        make = _maker(kind, language, Dice(f"{seed}.{name}"))
        rows += [_different(make, differing, name) for _ in range(count)]
        if kind not in ("code_function", "code_repair"):
            spares[name] = [_different(make, differing, name) for _ in range(spare)]
    return rows, spares, differing.largest


def _different(make: Maker, differing: Differing, name: str) -> Row:
    for _ in range(TRIES):
        row = make()
        if differing.admit(row):
            return row
    raise ValueError(f"{name}: {TRIES} tries gave no row unlike the others; add words or patterns to materials/")


def _maker(kind: str, language: str, dice: Dice) -> Maker:
    if kind.startswith("translation"):
        return lambda: translation(dice, kind.removeprefix("translation_"), language)
    if kind in ("code_function", "code_repair"):
        # Writing and repairing share the functions: each language starts elsewhere, so few functions come twice.
        names = Dice("functions").shuffled(sorted(material("code_functions")))
        start = {"code_function": {"en": 0, "zh": 38}, "code_repair": {"en": 0, "zh": 12}}[kind][language]
        turn = cycle(names[start:] + names[:start])
        build = function_task if kind == "code_function" else repair_task
        return lambda: build(dice, language, next(turn))
    makers: dict[str, Callable[[Dice, str], Row]] = {
        "summarisation": summary,
        "question_answering": question,
        "classification": classification,
        "dialogue": dialogue,
        "code_record": record_task,
        "code_output": output_task,
    }
    return lambda: makers[kind](dice, language)
