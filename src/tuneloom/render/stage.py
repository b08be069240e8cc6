"""Stage render: conversations to proven token rows, in shards, with a plan that packs the training side.

Reads the mixture's rows a part at a time and writes shards as it goes; what it keeps in memory is a length a row.
"""

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.writer import Writer
from tuneloom.config import Render
from tuneloom.errors import NoUsableData
from tuneloom.models.kind import is_encoder_decoder
from tuneloom.records import canonical, reject_rows
from tuneloom.render.compose import Decoder, EncoderDecoder, compose
from tuneloom.render.loss_mask import check_tokenizer
from tuneloom.render.outcomes import Composed, Refused
from tuneloom.render.pack import fill, pack_places
from tuneloom.render.prompt_files import load_prompts
from tuneloom.render.shards import SHARDS, ShardWriter, token_columns, write_packs
from tuneloom.render.shots import Pools
from tuneloom.render.tally import Tally
from tuneloom.render.tokenizer import RowTokenizer, load_plain_tokenizer, load_row_tokenizer
from tuneloom.render.wording import COLUMNS, Wording
from tuneloom.workers import in_order

VERSION = "render-3"
SLICE_ROWS = 2048
_AHEAD = 2
_READ = ("id", "origin", "messages", "tools", "task", "language", "side", "repeat")


def render(
    writer: Writer, rows: Artifact, config: Render, tokenizer_folder: Path, seed: int, templates_folder: Path = Path()
) -> None:
    """Renders every row of the mixture, side by side, and packs the training rows.

    Rejects, each with its reason: what the template cannot say, a mask that cannot be proven, nothing to learn, too
    long. Sides besides train, validation and test (suites) are prompts: nothing of them is learnt. The config's folders
    of prompt templates are relative to `templates_folder`.
    Raises NoUsableData where no training row is left, ConfigError for a prompt template that is none.
    """
    with _settled_heap():
        speaker = load_speaker(tokenizer_folder)
        wording = _wording(rows, config, seed, templates_folder)
        shards = ShardWriter(writer, _metadata(speaker.tokenizer, config))
        tally = Tally()
        columns = {*_READ, *(COLUMNS if wording else ())}
        for part in rows.files("part-"):
            refused, first = [], 0
            for table, made in _composed(_slices(part, columns), lambda one: compose(one, config, speaker, wording)):
                writer.count(rows_in=len(table), made=int(made.counts.sum()) - len(table))
                kept = _kept(table, made)
                shards.add(table["side"].take(pa.array(made.places)), kept)
                tally.add(table, made, kept)
                refused += [(first + place, one) for place, one in made.refused]
                first += len(table)
            _reject(writer, part, refused)
    shards.close()
    if not len(tally.lengths):
        raise NoUsableData(
            "no training row is left after rendering",
            where=f"stage render, {sum(tally.rows.values())} rows of other sides kept",
            remedy="See `tuneloom show render` for the reasons, or raise render.max_length.",
        )
    _pack(writer, tally, config, seed)
    writer.stats.update(tally.stats(speaker.tokenizer))


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
    for part in rows.files("part-") if config.shots else ():
        for table in _slices(part, COLUMNS):
            pools.add(table.filter(pc.equal(table["side"], "train")).to_pylist())
    return Wording(templates, config.shots, seed, pools)


def _slices(part: Path, columns: Collection[str] = ()) -> Iterator[pa.Table]:
    """Those of the columns that a part has, or all, some rows at a time."""
    with pq.ParquetFile(part) as file:
        names = [name for name in file.schema_arrow.names if not columns or name in columns]
        for batch in file.iter_batches(SLICE_ROWS, columns=names):
            yield pa.Table.from_batches([batch])


def _composed(slices: Iterable[pa.Table], make: Callable[[pa.Table], Composed]) -> Iterator[tuple[pa.Table, Composed]]:
    """Slices and what they become, made in order by one thread, so that another core reads and writes meanwhile and
    nothing depends on which is faster."""
    with ThreadPoolExecutor(1) as thread:
        yield from in_order(lambda table: thread.submit(lambda: (table, make(table))).result, slices, _AHEAD)


def _reject(writer: Writer, part: Path, refused: Sequence[tuple[int, Refused]]) -> None:
    """Rows of a part by number, rising; whole rows are read for these alone."""
    first, left = 0, list(refused)
    for table in _slices(part) if refused else ():
        here = [(place - first, one) for place, one in left if place < first + len(table)]
        told = [{"rule": one.reason, **one.detail, "version": VERSION} for _, one in here]
        whole = table.take(pa.array([place for place, _ in here], pa.int64()))
        writer.reject(reject_rows(whole, [one.reason for _, one in here], told))
        first, left = first + len(table), left[len(here) :]


def _kept(table: pa.Table, made: Composed) -> pa.Table:
    """The rows of schema SHARDS that a slice became."""
    origin = table.select([name for name in ("id", "origin", "repeat") if name in table.column_names])
    taken = origin.take(pa.array(made.places)).combine_chunks()
    ones = pa.array(np.ones(len(taken), np.int32))
    columns = {
        "id": taken["id"],
        "origin": taken["origin"],
        **token_columns(made.rows),
        "repeat": taken["repeat"] if "repeat" in taken.column_names else ones,
        "template": pa.array(made.templates, pa.string()),
        "exemplars": pa.array(made.exemplars, pa.list_(pa.string())),
    }
    return pa.table([columns[name] for name in SHARDS.names], schema=SHARDS)


def _pack(writer: Writer, tally: Tally, config: Render, seed: int) -> None:
    lengths, repeats = tally.lengths, tally.repeats
    packs = pack_places(lengths, repeats, config.max_length, seed)
    write_packs(writer, packs)
    writer.stats["packs"] = {
        "packs": len(packs),
        "length": config.max_length,
        "rows": sum(map(len, packs)),
        "fill": fill(packs, lengths, config.max_length),
    }


def _metadata(tokenizer: RowTokenizer, config: Render) -> dict[str, str]:
    return {
        "tokenizer": tokenizer.digest,
        "template": tokenizer.template.digest,
        "special_tokens": canonical(tokenizer.special),
        "max_length": str(config.max_length),
    }
