"""A survey in words: the commented config, and the lines of the table that the terminal shows."""

import glob
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from tuneloom.survey.grouping import FoundSource
from tuneloom.survey.looking import FileSurvey
from tuneloom.text.personal_data import mask_json

MODEL = "smollm2-135m-instruct"
_WIDTH = 160
_NO_TEXT = re.compile("[\ud800-\udfff]")


def config_text(
    name: str, root: Path, folder: Path, sources: Sequence[FoundSource], unused: Sequence[FileSurvey]
) -> str:
    """The YAML of a config that lies in `folder`, with what was found below `root` as comments; it loads and runs."""
    return "\n".join([*_head(name, root), *_sources(folder, sources), *_settings(name), *_found(root, sources, unused)])


def rows_text(files: Sequence[FileSurvey]) -> str:
    """How many rows: "1,200", "about 1,000,000", "at least 20,000"."""
    sure = min((one.count for one in files), key=("about", "at least", "exact").index)
    return f"{sum(one.rows for one in files):,}" if sure == "exact" else f"{sure} {sum(one.rows for one in files):,}"


def kept_text(files: Sequence[FileSurvey]) -> str:
    """How many conversations they give: "1,198"; "19,998 of the first 20,000" rows where not all were looked at."""
    kept, looked = sum(one.kept for one in files), sum(one.looked_at for one in files)
    return f"{kept:,}" + (f" of the first {looked:,}" if looked < sum(one.rows for one in files) else "")


def labels_text(counts: Mapping[str, int], most: int = 3) -> str:
    """{"en": 9000, "fr": 600, "la": 3} -> "en 94%, fr 6%"; what is below 1 % is left out, one label has no share."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [(label, round(100 * count / total)) for label, count in ordered if 100 * count >= total]
    if len(shown) == 1 or (shown and shown[0][1] == 100):
        return shown[0][0]
    more = f", {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(f"{label} {share}%" for label, share in shown[:most]) + more


def reasons_text(reasons: Mapping[str, int], most: int = 4) -> str:
    """{"no answer": 3} -> "3 no answer"."""
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{count:,} {reason}" for reason, count in ordered[:most]) + (", ..." if ordered[most:] else "")


def why_unused(one: FileSurvey) -> str:
    """Why no row of a file can be used: "450 unknown format: ...; keys: id, prompt"."""
    if one.empty:
        return "empty"
    evidence = one.evidence.get(next(iter(one.reasons), ""), "")
    return _one_line(mask_json(f"{reasons_text(one.reasons)}{f': {evidence}' if evidence else ''}"), 300)


def unused_lines(root: Path, unused: Sequence[FileSurvey], most: int | None = None) -> Iterator[str]:
    """Files of one folder with the same cause together, at most so many named: "t0: empty: a.jsonl, b.jsonl"."""
    causes: dict[str, list[str]] = {}
    for one in unused:
        causes.setdefault(why_unused(one), []).append(_place(root, one))
    for why, names in causes.items():
        more = f" and {len(names) - most} more" if most and len(names) > most else ""
        yield f"{', '.join(names[:most])}{more}: {why}"


def together(files: Sequence[FileSurvey], what: str) -> Counter[str]:
    """A label of several files, summed."""
    total: Counter[str] = Counter()
    for one in files:
        total.update(getattr(one, what))
    return total


def _head(name: str, root: Path) -> Iterator[str]:
    yield f"# What `tuneloom init` found in {_one_line(root.name or str(root))}. Look it over, then run it."
    yield "# Every key: tuneloom config --schema. Which file holds what stands at the end."
    yield f"name: {_scalar(_one_line(name))}"
    yield f"model: {MODEL}    # or a folder, or a name on the hub"
    yield ""


def _sources(folder: Path, sources: Sequence[FoundSource]) -> Iterator[str]:
    yield "sources:"
    for source in sources:
        many = f"{len(source.files) + len(source.idle)} files{_idle(source)}, " if len(source.files) > 1 else ""
        yield f"  # {source.format}: {many}{_about((*source.files, *source.idle))}"
        yield f"  - name: {_scalar(source.name)}"
        yield f"    path: {_scalar(_path(source.path, folder))}"
        if source.use != "train":
            yield f"    use: {source.use}    # no pairs to learn from: training rows that resemble these are left out"
        if source.license:
            yield f"    license: {_scalar(source.license)}    # as the folder states"
        elif not source.licensed:
            yield "    # license:    none is stated there; name it, as in CC-BY-4.0"
        yield ""


def _path(path: str, folder: Path) -> str:
    """Relative to the config; a glob for a name that is no text, for a config is: b"caf\\xe9.jsonl" -> "caf?.jsonl"."""
    relative = os.path.relpath(path, folder)
    if not _NO_TEXT.search(relative):
        return relative
    return _NO_TEXT.sub("?", glob.escape(relative) if os.path.lexists(path) else relative)


def _idle(source: FoundSource) -> str:
    """ " (7 empty, 5 without a usable row)"."""
    empty = sum(one.empty for one in source.idle)
    told = [f"{empty} empty"] * bool(empty)
    told += [f"{len(source.idle) - empty} without a usable row"] * bool(len(source.idle) - empty)
    return f" ({', '.join(told)})" if told else ""


def _about(files: Sequence[FileSurvey]) -> str:
    """ "rows: 1,000, usable: 998; en; natural 95%, code 5%; rejected: 2 empty answer"."""
    labels = [labels_text(together(files, what)) for what in ("languages", "kinds")]
    reasons = reasons_text(together(files, "reasons"))
    lost = [f"rejected: {reasons}"] if reasons else []
    return "; ".join([f"rows: {rows_text(files)}, usable: {kept_text(files)}", *labels, *lost])


def _settings(name: str) -> Iterator[str]:
    model = re.sub(r"[^\w.-]+", "-", name) or "tuneloom"
    yield "# licenses: {allow: [MIT, Apache-2.0, CC-BY-4.0]}    # rows with another licence, or none, do not train"
    yield "# split: {validation: 0.02, test: 0.05}"
    yield "# quality: {rules: standard, pii: mask}"
    yield "# mixture: {cap: 3000}    # most training rows a task"
    yield "# train: {method: lora, rank: 8, max_tokens: 1000000}"
    yield f"release: {{model_name: {_scalar(model)}}}"
    yield ""


def _found(root: Path, sources: Sequence[FoundSource], unused: Sequence[FileSurvey]) -> Iterator[str]:
    yield "# Files"
    for source in sources:
        yield from (f"#   {_place(root, one)}: {one.format}; {_about([one])}" for one in source.files)
    if unused:
        yield "# Not used:"
        yield from (f"#   {line}" for line in unused_lines(root, unused))
    yield ""


def _place(root: Path, one: FileSurvey) -> str:
    return _one_line(os.path.relpath(one.file.path, root))


def _scalar(value: str) -> str:
    """A text as YAML writes it on one line: `t0/*.jsonl` needs quotes only where YAML says so."""
    return yaml.safe_dump(value, allow_unicode=True, width=1 << 20).removesuffix("...\n").strip()


def _one_line(text: str, most: int = _WIDTH) -> str:
    """Printable and on one line, whatever a file's name or a row holds."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= most else f"{text[: most - 1]}…"
