"""The card of an exported data set: what is in it, where it comes from, how it was made, in Markdown with YAML above.

Each side is a configuration of its own, for in JSON lines rows of one side can have keys that no row of another has,
which `datasets` refuses among the splits of one. The head follows the Hugging Face Hub's dataset cards, so that
`datasets.load_dataset(FOLDER)` finds the training rows, and the Hub the licences and languages. All numbers are read
from artifacts; nothing of a row's text is in it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from tuneloom import __version__
from tuneloom.artifacts import Artifact
from tuneloom.records import SIDES
from tuneloom.text.personal_data import mask

MOST = 40
"""Lines of a table; what is left out is counted."""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def data_card(name: str, files: Mapping[str, str], artifact: Artifact, stages: Mapping[str, Artifact], pii: str) -> str:
    """The card of `artifact`'s rows in `files`, a side each ({"train": "demo.jsonl"}), made by `stages` in their order.

    `pii` is the config's word on personal data. "| alpaca | cc-by-nc-4.0 | 900 |" is a line of its sources.
    """
    counts = _counts(artifact)
    parts = [
        _head(name, files, counts),
        f"# {name}",
        f"{sum(counts['side'].values()):,} conversations of instruction data, made by Tuneloom {__version__} "
        f"(stage {artifact.reference.stage}). A row is a list `messages` of `{{role, content}}`; its `id` and `origin` "
        "lead back to the line of the source that it was read from.",
        *([_SUITES.format(files["suite"])] if "suite" in files else []),
        "## Rows",
        *(_table(title, counts[key]) for key, title in _TITLES.items()),
        "## Sources and licences",
        _sources(counts["licensed"]),
        "## Filters",
        _filters(stages),
        "## Personal data",
        _personal(pii, stages.get("quality")),
        "## How it was made",
        _made(stages),
    ]
    return mask("\n\n".join(parts)) + "\n"


_SUITES = "Evaluation rows are in `{}`, which is no split of this data set: their sources lend them, and may not train."
_TITLES = {"side": "Side", "language": "Language", "kind": "Kind", "task": "Task"}


def _counts(artifact: Artifact) -> dict[str, Counter[Any]]:
    """Rows by side, language, kind, task, and by source and licence; a part at a time."""
    counts: dict[str, Counter[Any]] = {name: Counter() for name in (*_TITLES, "licensed")}
    for table in artifact.tables():
        for name in _TITLES:
            counts[name].update(table[name].to_pylist() if name in table.column_names else ["all"] * len(table))
        sources = [origin["source"] for origin in table["origin"].to_pylist()]
        counts["licensed"].update(zip(sources, table["license"].to_pylist(), strict=True))
    return counts


def _head(name: str, files: Mapping[str, str], counts: Mapping[str, Counter[Any]]) -> str:
    rows = sum(counts["side"].values())
    licenses = sorted({license for _, license in counts["licensed"] if license})
    head = {
        "pretty_name": name,
        "license": licenses[0] if len(licenses) == 1 and (None not in [x for _, x in counts["licensed"]]) else "other",
        "language": sorted(filter(None, counts["language"])),
        "task_categories": ["text-generation"],
        "size_categories": [next((size for bound, size in _SIZES if rows < bound), "n>1M")],
        "configs": [
            {"config_name": "default" if side == "train" else side, "data_files": [{"split": side, "path": file}]}
            for side, file in files.items()
            if side in SIDES
        ],
    }
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---"


def _table(title: str, counts: Mapping[Any, int]) -> str:
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    lines = [(value or "not named", f"{count:,}", f"{count / total:.1%}") for value, count in ordered]
    return _rows((title, "rows", "share"), lines)


def _sources(counts: Mapping[tuple[str, str | None], int]) -> str:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    lines = [(source, license or "not named", f"{count:,}") for (source, license), count in ordered]
    return _rows(("source", "licence", "rows"), lines)


def _filters(stages: Mapping[str, Artifact]) -> str:
    lines = []
    for stage, artifact in stages.items():
        counts = artifact.manifest.counts
        reasons = sorted(artifact.manifest.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        why = ", ".join(f"{count:,} {reason}" for reason, count in reasons)
        held = f"{counts.held:,}" if counts.held else ""
        lines.append((stage, f"{counts.rows_in:,}", f"{counts.rows_out:,}", f"{counts.rejected:,}", held, why))
    return _rows(("stage", "in", "out", "rejected", "held", "reasons"), lines)


def _personal(pii: str, quality: Artifact | None) -> str:
    if quality is None:
        return "The rows were not searched for personal data: the export is of a stage before that."
    found = quality.stats.get("personal_data", {})
    kinds = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in found.items()) or "none"
    policy = {
        "keep": "Personal data were left as they are (`quality.pii: keep`), and not counted.",
        "mask": f"Personal data were replaced by marks such as `<EMAIL>` (`quality.pii: mask`). Found: {kinds}.",
        "reject": f"Rows with personal data were rejected (`quality.pii: reject`). Found: {kinds}.",
    }[pii]
    return f"{policy} Patterns with proofs (checksums) find them, in English and Chinese forms; names are not."


def _made(stages: Mapping[str, Artifact]) -> str:
    lines = [(stage, f"`{artifact.reference.key}`") for stage, artifact in stages.items()]
    return _rows(("stage", "artifact"), lines)


def _rows(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table of at most `MOST` lines, and how many more there are."""
    more = [f"| and {len(lines) - MOST:,} more |" + " |" * (len(head) - 1)] if len(lines) > MOST else []
    shown = [f"| {' | '.join(map(_cell, line))} |" for line in lines[:MOST]]
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *shown, *more])


def _cell(text: str) -> str:
    return " ".join(str(text).replace("|", "\\|").split())


def made_by(found: Mapping[str, Artifact | None], last: str) -> Iterator[tuple[str, Artifact]]:
    """The stages up to and with `last`, of those that ran."""
    for stage, artifact in found.items():
        if artifact is not None:
            yield stage, artifact
        if stage == last:
            return
