"""The labelled sample: rows written for it, each with the defects that a reader finds, and what rules make of it.

`labelled.jsonl`, a row a line: `prompt`, `answer`, `defects` (below), `refusal`, `personal` (kinds of personal data),
and `about` (natural, translation, code, mixed, math, dialogue) where it was written for the rules.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tests.rows import chat
from tests.tuneloom.quality.judged import table
from tuneloom.quality.frame import text_frame
from tuneloom.quality.measure import measure
from tuneloom.quality.rules import PROFILES, breaks, load_profile
from tuneloom.text.kind import detect_kind
from tuneloom.text.language import detect_languages

DEFECTS = {
    "refusal boilerplate": ("refusal",),
    "answer repeats prompt": ("echo",),
    "degenerate repetition": ("repetition",),
    "repeated phrase": ("repetition",),
    "repeated 8-grams": ("repetition",),
    "repeated 5-grams": ("repetition",),
    "repeated pair of words": ("repetition",),
    "runs of characters": ("repetition",),
    "repeated lines": ("lines",),
    "repeated paragraphs": ("paragraphs",),
    "hardly a letter": ("no letters", "no letters code"),
    "words run together": ("run together",),
    "open code fence": ("fence",),
    "cut answer": ("cut",),
    "mojibake": ("mojibake",),
    "trails off": ("trails",),
    "mostly links": ("links",),
    "stops midway": ("midway",),
    "echoes the instruction": ("echo", "echo-start"),
    "speaks as a model": ("talk",),
    "another maker's name": ("maker",),
    "knowledge cut-off": ("cut-off",),
    "line too long": ("long line",),
    "lines too long": ("long lines",),
    "no number and no formula": ("no number",),
    "too little said": ("little",),
    "closing phrases": ("closing",),
    "answer in another script": ("script",),
}
"""What each rule is there to find; one rule need not find all of its kind, so recall is told beside precision."""


@dataclass(frozen=True)
class Score:
    """A rule on the sample: rows it breaks, those of them that have its defect, rows that have it and it may judge."""

    profile: str
    rule: str
    found: int
    right: int
    meant: int


def sample() -> list[dict]:
    """The rows as they are written."""
    return [json.loads(line) for line in Path(__file__).with_name("labelled.jsonl").read_text("utf-8").splitlines()]


def scores() -> Iterator[Score]:
    """Every rule that a profile adds or changes, file by file; language and kind are detected as ingest does."""
    rows = sample()
    texts = [f"{row['prompt']}\n{row['answer']}" for row in rows]
    said = [
        chat(row["prompt"], row["answer"], language=language, kind=detect_kind(text))
        for row, text, language in zip(rows, texts, detect_languages(texts), strict=True)
    ]
    frame = text_frame(table(said))
    judged = frame.select("language", "kind", "script", "side", "source").hstack(measure(frame))
    defects = pl.Series("defects", [row["defects"] for row in rows], pl.List(pl.String))
    for name in ("standard", *sorted(path.stem for path in PROFILES.glob("*.yaml") if path.stem != "standard")):
        profile = load_profile(name)
        for rule in profile.rules:
            if not profile.versions[rule.name].startswith(f"{name}-"):
                continue
            broken = judged.select(broken=breaks(rule))["broken"]
            scope = judged["script"].is_in([rule.scripts]) if rule.scripts != "any" else pl.Series([True] * len(rows))
            mean = defects.list.eval(pl.element().is_in(DEFECTS[rule.name])).list.any().fill_null(False)
            yield Score(name, rule.name, int(broken.sum()), int((broken & mean).sum()), int((mean & scope).sum()))


def table_lines() -> list[str]:
    """The scores as the lines of a Markdown table."""
    lines = ["| profile | rule | breaks | precision | recall |", "|---|---|---:|---:|---:|"]
    for score in scores():
        precision = f"{score.right / score.found:.2f}" if score.found else "-"
        recall = f"{score.right / score.meant:.2f}" if score.meant else "-"
        lines.append(f"| {score.profile} | {score.rule} | {score.found} | {precision} | {recall} |")
    return lines
