"""Stage render: conversations to proven token rows, in shards, with a plan that packs the training side.

Reads the mixture's rows a part at a time and writes shards as it goes; what it keeps in memory is a length a row.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.writer import Writer
from tuneloom.config import Render
from tuneloom.errors import NoUsableData
from tuneloom.models.token_row import TokenRow, learnt_runs
from tuneloom.records import SIDES, canonical, reject_rows
from tuneloom.render.chat_template import Unrenderable
from tuneloom.render.describe import Breakdown
from tuneloom.render.loss_mask import Said, check_tokenizer, write_rows
from tuneloom.render.messages import message_dicts
from tuneloom.render.pack import fill, pack_places
from tuneloom.render.shards import ShardWriter, write_packs
from tuneloom.render.sheet import Unproven
from tuneloom.render.tokenizer import RowTokenizer, load_row_tokenizer

VERSION = "render-2"
SLICE_ROWS = 2048
HISTOGRAM_BIN = 64
EXAMPLES = 5


@dataclass
class _Tally:
    """What the stage counts as it goes."""

    rows: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    supervised: Counter[str] = field(default_factory=Counter)
    histogram: Counter[int] = field(default_factory=Counter)
    trimmed: int = 0
    lengths: list[int] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)
    languages: Breakdown = field(default_factory=Breakdown)
    tasks: Breakdown = field(default_factory=Breakdown)
    examples: list[TokenRow] = field(default_factory=list)


def render(writer: Writer, rows: Artifact, config: Render, tokenizer_folder: Path, seed: int) -> None:
    """Renders every row of the mixture, side by side, and packs the training rows.

    Rejects, each with its reason: what the template cannot say, a mask that cannot be proven, nothing to learn, too
    long. Sides besides train, validation and test (suites) are prompts: nothing of them is learnt.
    Raises NoUsableData where no training row is left.
    """
    tokenizer = load_row_tokenizer(tokenizer_folder)
    check_tokenizer(tokenizer)
    shards = ShardWriter(writer, _metadata(tokenizer, config))
    tally = _Tally()
    for table in _slices(rows):
        writer.count(rows_in=len(table))
        outcomes = _render_slice(table, config, tokenizer, tally)
        refused = [i for i, outcome in enumerate(outcomes) if not isinstance(outcome, TokenRow)]
        if refused:
            reasons, details = zip(*(outcomes[i] for i in refused), strict=True)
            told = [{"rule": why, **detail, "version": VERSION} for why, detail in zip(reasons, details, strict=True)]
            writer.reject(reject_rows(table.take(refused), list(reasons), told))
        _keep(table, outcomes, shards, tally)
    shards.close()
    if not tally.lengths:
        raise NoUsableData(
            "no training row is left after rendering",
            where=f"stage render, {sum(tally.rows.values())} rows of other sides kept",
            remedy="See `tuneloom show render` for the reasons, or raise render.max_length.",
        )
    _pack(writer, tally, config, seed)
    writer.stats.update(_stats(tally, tokenizer))


Outcome = TokenRow | tuple[str, Mapping[str, Any]]
"""A row, or the reason and the detail of its rejection."""


def _slices(rows: Artifact) -> Iterator[pa.Table]:
    for part in rows.tables():
        for start in range(0, len(part), SLICE_ROWS):
            yield part.slice(start, SLICE_ROWS)


def _render_slice(table: pa.Table, config: Render, tokenizer: RowTokenizer, tally: _Tally) -> list[Outcome]:
    """All rows together, as pieces of text."""
    sides = table["side"].to_pylist()
    columns = (table["id"].to_pylist(), message_dicts(table["messages"]), table["tools"].to_pylist(), sides)
    written = write_rows([_said(*row) for row in zip(*columns, strict=True)], tokenizer)
    tally.trimmed += sum(written.trimmed)
    return [_judge(row, side in SIDES, config) for row, side in zip(written.rows, sides, strict=True)]


def _said(row_id: str, messages: list[dict[str, Any]], tools: str | None, side: str) -> Said:
    """A row as it is rendered: of a suite's rows the question."""
    if side in SIDES:
        return Said(row_id, messages, tools)
    return Said(row_id, _question(messages), tools, prompt=True)


def _judge(row: TokenRow | Unproven | Unrenderable, judged: bool, config: Render) -> Outcome:
    if isinstance(row, Unrenderable):
        reason = {"no end of turn": "loss mask not proven"}.get(row.reason, row.reason)
        return reason, {"rule": row.reason, "evidence": row.evidence}
    if isinstance(row, Unproven):
        return "loss mask not proven", {"evidence": canonical({"expected": row.expected, "found": row.found})}
    if judged and not row.supervised:
        return "nothing to learn", {"value": 0, "bound": 1}
    if len(row) > config.max_length:
        return "too long", {"value": len(row), "bound": config.max_length}
    return row


def _question(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What comes before the last answer, where a suite's row brings one."""
    return messages[:-1] if len(messages) > 1 and messages[-1]["role"] == "assistant" else messages


def _keep(table: pa.Table, outcomes: list[Outcome], shards: ShardWriter, tally: _Tally) -> None:
    sides, origins = table["side"].to_pylist(), table["origin"].to_pylist()
    repeats = table["repeat"].to_pylist() if "repeat" in table.column_names else [1] * len(table)
    kinds = table["language"].to_pylist(), table["task"].to_pylist()
    for side, origin, repeat, row, language, task in zip(sides, origins, repeats, outcomes, *kinds, strict=True):
        if not isinstance(row, TokenRow):
            continue
        shards.add(side, row, origin, repeat)
        tally.rows[side] += 1
        tally.tokens[side] += len(row)
        learnt = row.supervised
        tally.supervised[side] += learnt
        if side == "train":
            tally.lengths.append(len(row))
            tally.repeats.append(repeat)
            tally.histogram[len(row) // HISTOGRAM_BIN * HISTOGRAM_BIN] += 1
            tally.languages.add(language, row, learnt)
            tally.tasks.add(task, row, learnt)
            if len(tally.examples) < EXAMPLES:
                tally.examples.append(TokenRow(row.id, row.ids.copy(), row.loss_mask.copy()))


def _pack(writer: Writer, tally: _Tally, config: Render, seed: int) -> None:
    lengths = np.array(tally.lengths, np.int32)
    packs = pack_places(lengths, np.array(tally.repeats, np.int32), config.max_length, seed)
    write_packs(writer, packs)
    writer.stats["packs"] = {
        "packs": len(packs),
        "length": config.max_length,
        "rows": sum(map(len, packs)),
        "fill": fill(packs, lengths, config.max_length),
    }


def _stats(tally: _Tally, tokenizer: RowTokenizer) -> dict[str, Any]:
    return {
        "sides": {
            side: {"rows": n, "tokens": tally.tokens[side], "supervised": tally.supervised[side]}
            for side, n in sorted(tally.rows.items())
        },
        "lengths": {str(start): n for start, n in sorted(tally.histogram.items())},
        "length_bin": HISTOGRAM_BIN,
        "trimmed_messages": tally.trimmed,
        "template": tokenizer.template.digest,
        "tokenizer": tokenizer.digest,
        "engine": tokenizer.engine.name,
        "fell_back": tokenizer.engine.fell_back,
        "languages": tally.languages.stats(),
        "tasks": tally.tasks.stats(),
        "examples": [_example(row, tokenizer) for row in tally.examples],
    }


def _example(row: TokenRow, tokenizer: RowTokenizer) -> dict[str, Any]:
    """One row as text, cut where the mask changes: `[["...assistant\\n", false], ["Yo<|im_end|>", true]]`."""
    edges = sorted({0, len(row), *(edge for run in learnt_runs(row.loss_mask) for edge in run)})
    spans = [(a, b) for a, b in pairwise(edges)]
    texts = tokenizer.decode([row.ids[a:b] for a, b in spans])
    return {
        "id": row.id,
        "text": [[text, bool(row.loss_mask[a])] for text, (a, _) in zip(texts, spans, strict=True)],
    }


def _metadata(tokenizer: RowTokenizer, config: Render) -> dict[str, str]:
    return {
        "tokenizer": tokenizer.digest,
        "template": tokenizer.template.digest,
        "special_tokens": canonical(tokenizer.special),
        "max_length": str(config.max_length),
    }
