"""Stage render: conversations to proven token rows, in shards, with a plan that packs the training side.

Reads the mixture's rows a part at a time and writes shards as it goes; what it keeps in memory is a length a row.
"""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.writer import Writer
from tuneloom.config import Render
from tuneloom.errors import NoUsableData
from tuneloom.models.kind import is_encoder_decoder
from tuneloom.models.token_row import TokenRow, learnt_runs
from tuneloom.records import canonical, reject_rows
from tuneloom.render.compose import Decoder, EncoderDecoder, Outcome, Refused, Rendered, compose
from tuneloom.render.describe import Breakdown
from tuneloom.render.loss_mask import check_tokenizer
from tuneloom.render.pack import fill, pack_places
from tuneloom.render.prompt_files import load_prompts
from tuneloom.render.shards import ShardWriter, write_packs
from tuneloom.render.shots import Pools
from tuneloom.render.tokenizer import RowTokenizer, load_plain_tokenizer, load_row_tokenizer
from tuneloom.render.wording import COLUMNS, Wording

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
    templates: Counter[str] = field(default_factory=Counter)
    exemplars: int = 0
    trimmed: int = 0
    truncated: int = 0
    dropped: int = 0
    divided: int = 0
    lengths: list[int] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)
    languages: Breakdown = field(default_factory=Breakdown)
    tasks: Breakdown = field(default_factory=Breakdown)
    examples: list[TokenRow] = field(default_factory=list)


def render(
    writer: Writer, rows: Artifact, config: Render, tokenizer_folder: Path, seed: int, templates_folder: Path = Path()
) -> None:
    """Renders every row of the mixture, side by side, and packs the training rows.

    Rejects, each with its reason: what the template cannot say, a mask that cannot be proven, nothing to learn, too
    long. Sides besides train, validation and test (suites) are prompts: nothing of them is learnt. The config's folders
    of prompt templates are relative to `templates_folder`.
    Raises NoUsableData where no training row is left, ConfigError for a prompt template that is none.
    """
    speaker = load_speaker(tokenizer_folder)
    wording = _wording(rows, config, seed, templates_folder)
    shards = ShardWriter(writer, _metadata(speaker.tokenizer, config))
    tally = _Tally()
    with _settled_heap():
        for table in _slices(rows):
            outcomes = compose(table, config, speaker, wording)
            writer.count(rows_in=len(table), made=sum(len(several) - 1 for several in outcomes))
            _reject(writer, table, outcomes)
            _keep(table, outcomes, shards, tally)
    shards.close()
    if not tally.lengths:
        raise NoUsableData(
            "no training row is left after rendering",
            where=f"stage render, {sum(tally.rows.values())} rows of other sides kept",
            remedy="See `tuneloom show render` for the reasons, or raise render.max_length.",
        )
    _pack(writer, tally, config, seed)
    writer.stats.update(_stats(tally, speaker.tokenizer))


@contextmanager
def _settled_heap() -> Iterator[None]:
    """What lives already is not searched for garbage: rows as Python objects set off search after search, and those of
    a heap full of modules were a sixth to a quarter of the stage's CPU seconds."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def load_speaker(folder: Path) -> Decoder | EncoderDecoder:
    """How the model in `folder` takes conversations, proven on a sample. Raises ConfigError where it cannot be."""
    if is_encoder_decoder(folder):
        return EncoderDecoder(load_plain_tokenizer(folder))
    tokenizer = load_row_tokenizer(folder)
    check_tokenizer(tokenizer)
    return Decoder(tokenizer)


def _wording(rows: Artifact, config: Render, seed: int, folder: Path) -> Wording | None:
    """The templates of the config and the exemplars of the training side; None without prompts."""
    templates = load_prompts(config.prompts, folder)
    if not templates:
        return None
    pools = Pools(seed)
    for table in rows.tables(list(COLUMNS)) if config.shots else ():
        pools.add(table.filter(pc.equal(table["side"], "train")).to_pylist())
    return Wording(templates, config.shots, seed, pools)


def _slices(rows: Artifact) -> Iterator[pa.Table]:
    for part in rows.tables():
        for start in range(0, len(part), SLICE_ROWS):
            yield part.slice(start, SLICE_ROWS)


def _reject(writer: Writer, table: pa.Table, outcomes: list[list[Outcome]]) -> None:
    refused = [(i, one) for i, several in enumerate(outcomes) for one in several if isinstance(one, Refused)]
    if refused:
        told = [{"rule": one.reason, **one.detail, "version": VERSION} for _, one in refused]
        whole = table.take([i for i, _ in refused])
        writer.reject(reject_rows(whole, [one.reason for _, one in refused], told))


def _keep(table: pa.Table, outcomes: list[list[Outcome]], shards: ShardWriter, tally: _Tally) -> None:
    sides, origins = table["side"].to_pylist(), table["origin"].to_pylist()
    repeats = table["repeat"].to_pylist() if "repeat" in table.column_names else [1] * len(table)
    kinds = table["language"].to_pylist(), table["task"].to_pylist()
    for side, origin, repeat, several, *kind in zip(sides, origins, repeats, outcomes, *kinds, strict=True):
        tally.divided += len(several) > 1
        for one in several:
            if isinstance(one, Rendered):
                shards.add(side, one.row, origin, repeat, one.template, one.exemplars)
                _count(tally, side, one)
                if side == "train":
                    _count_training(tally, one.row, repeat, *kind)


def _count(tally: _Tally, side: str, one: Rendered) -> None:
    row = one.row
    tally.rows[side] += 1
    tally.tokens[side] += len(row)
    tally.supervised[side] += row.supervised
    tally.trimmed += one.trimmed
    tally.truncated += one.dropped > 0
    tally.dropped += one.dropped
    tally.templates[one.template or ""] += 1
    tally.exemplars += len(one.exemplars)


def _count_training(tally: _Tally, row: TokenRow, repeat: int, language: str | None, task: str | None) -> None:
    learnt = row.supervised
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
        "too_long": {"truncated_rows": tally.truncated, "dropped_messages": tally.dropped},
        "divided_rows": tally.divided,
        "prompt_templates": dict(sorted(tally.templates.items())),
        "exemplars": tally.exemplars,
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
