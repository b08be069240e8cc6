"""The summary of a deduplication in words and tables, for the terminal and the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LARGE_CLUSTER, LARGE_LOSS = 0.005, 0.3
"""Shares of the rows in one cluster, and of a source's rows lost, from which a run says so; it never stops for them."""
FEW = 100
"""Rows below which neither is worth a word, nor a budget breached."""


@dataclass(frozen=True)
class Table:
    """Cells as text, numbers to be set right."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(stats: Mapping[str, Any]) -> Iterator[Table]:
    """All tables about a dedup artifact's stats that have a row."""
    if not stats:
        return
    made = (
        Table("Rows lost, by source", ("source", "rows", "exact", "near", "lost", "most of them"), _sources(stats)),
        Table("Files that lost most", ("source", "file", "rows", "lost", ""), _files(stats)),
        Table("Sizes of clusters", ("rows in the cluster", "clusters", "rows lost"), _sizes(stats["clusters"])),
        Table("Largest clusters", ("rows", "kept row", "what their prompts share", "the kept row's"), _largest(stats)),
        _matrix(stats["across_sources"]),
        Table(_SWEEP, ("threshold", "near duplicates", "of all rows"), _sweep(stats)),
        Table("One prompt, other answers (kept)", ("rows", "prompt"), _crowd(stats["same_prompt_other_answers"])),
        Table("One answer to many prompts (kept)", ("rows", "answer"), _crowd(stats["same_answer_other_prompts"])),
    )
    yield from (table for table in made if table.rows)


def removed_at(stats: Mapping[str, Any]) -> dict[str, int]:
    """Near-duplicates that each threshold would remove, by the stored similarities: {"0.80": 21, "0.82": 9}.

    Below the run's own threshold it is at least so many: bands made for it miss more there.
    """
    found = {float(step): count for part in ("nearly", "similarities") for step, count in stats[part].items()}
    steps = sorted(found)
    return {f"{step:.2f}": sum(count for at, count in found.items() if at >= step) for step in steps}


def alarms(stats: Mapping[str, Any]) -> Iterator[str]:
    """A line for a cluster of over 0.5 % of the rows, and for each source that lost over 30 %, from 100 rows on."""
    for cluster in stats["largest"][:1]:
        share = cluster["size"] / stats["rows"]
        if cluster["size"] >= FEW and share > LARGE_CLUSTER:
            yield f"dedup: {cluster['size']:,} rows ({share:.1%}) resemble {cluster['survivor']}: {cluster['wording']}"
    for name, source in stats["by_source"].items():
        lost = source["exact"] + source["near"]
        if lost >= FEW and lost > LARGE_LOSS * source["rows"]:
            wording = source["largest"]["wording"]
            yield f"dedup: source {name} lost {lost:,} of {source['rows']:,} rows, most of them like: {wording}"


_SWEEP = "What each threshold would remove"


def _sources(stats: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            name,
            f"{one['rows']:,}",
            f"{one['exact']:,}",
            f"{one['near']:,}",
            f"{(one['exact'] + one['near']) / max(1, one['rows']):.1%}",
            f"{one['largest']['size'] - 1:,} like: {one['largest']['wording']}" if one["largest"] else "",
        )
        for name, one in stats["by_source"].items()
    )


def _files(stats: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (one["source"], one["file"], f"{one['rows']:,}", f"{one['lost']:,}", f"{one['lost'] / one['rows']:.1%}")
        for one in stats["by_file"]
    )


def _sizes(clusters: Mapping[str, int]) -> tuple[tuple[str, ...], ...]:
    """Sizes in classes, each twice as wide as the one before: 2, 3-4, 5-8, ..."""
    classes: dict[int, list[int]] = {}
    for size, count in clusters.items():
        row = classes.setdefault((int(size) - 1).bit_length(), [0, 0])
        row[0] += count
        row[1] += count * (int(size) - 1)
    return tuple(
        (f"{2 ** (width - 1) + 1}-{2**width}" if width > 1 else "2", f"{count:,}", f"{lost:,}")
        for width, (count, lost) in sorted(classes.items())
    )


def _largest(stats: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (f"{one['size']:,}", one["survivor"], one["wording"], one["sample"] if one["sample"] != one["wording"] else "")
        for one in stats["largest"]
    )


def _matrix(across: Mapping[str, Mapping[str, int]]) -> Table:
    """Rows: the source that lost rows; columns: the source whose row was kept."""
    keepers = sorted({keeper for row in across.values() for keeper in row})
    rows = tuple((loser, *(f"{row[one]:,}" if one in row else "" for one in keepers)) for loser, row in across.items())
    return Table("Duplicates across sources", ("lost by \\ kept from", *keepers), rows)


def _sweep(stats: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    bound = stats["bound"]
    return tuple(
        (step, f"{'at least ' if float(step) < bound - 1e-9 else ''}{rows:,}", f"{rows / max(1, stats['rows']):.1%}")
        for step, rows in removed_at(stats).items()
    )


def _crowd(crowd: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    examples: Sequence[Mapping[str, Any]] = crowd["examples"]
    return tuple((f"{one['rows']:,}", one["text"]) for one in examples)
