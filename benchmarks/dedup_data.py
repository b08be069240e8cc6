"""Rows for `benchmarks/dedup.py`: real ones, more of them by repetition with changes, and the same as plain words.

All is a function of the real data alone.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact, Store
from tuneloom.artifacts.manifest import reference_from
from tuneloom.text.content import COLUMNS, batches, content_of
from tuneloom.text.keys import fold
from tuneloom.text.shingles import words

SOURCES = ("t0", "alpaca", "zh", "code", "gpteacher", "gsm8k", "sharegpt", "messages", "self_instruct")
"""Folders of the real data: 51,865 rows, of which ingestion keeps 50,863."""

_SMALL, _CAPITAL, _HAN = ord("a"), ord("A"), (0x4E00, 0x9FFF)


def real(folder: Path) -> tuple[Store, Artifact]:
    """The real rows, ingested in `folder`."""
    data = Path(os.environ["TUNELOOM_REALDATA"])
    return ingested(folder, [(name, data / name) for name in SOURCES])


def enlarged(folder: Path, rows: Artifact, count: int) -> tuple[Store, Artifact]:
    """`count` rows made of the real ones: copy after copy, each in an alphabet of its own; every tenth row of a copy
    stays as it was but for every sixtieth word, so that copies resemble each other too."""
    path = folder / "copies.jsonl"
    folder.mkdir(parents=True)
    pairs = list(_pairs(rows))
    with path.open("w", encoding="utf-8") as stream:
        for number in range(count):
            copy, row = divmod(number, len(pairs))
            prompt, answer = (_changed(text, copy, (row + copy) % 10 == 0) for text in pairs[row])
            stream.write(json.dumps({"prompt": prompt, "completion": answer}, ensure_ascii=False) + "\n")
    return ingested(folder, [("copies", path)])


def ingested(folder: Path, sources: list[tuple[str, Path]]) -> tuple[Store, Artifact]:
    """Runs the pipeline's own ingestion."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yaml"
    listed = [{"name": name, "path": str(path)} for name, path in sources]
    config.write_text(json.dumps({"model": "smollm2-135m-instruct", "sources": listed}), "utf-8")
    line = [sys.executable, "-m", "flows.cli", "--home", str(folder / "home"), "run", str(config)]
    done = subprocess.run(
        [*line, "--until", "ingest", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
    )
    (stage,) = json.loads(done.stdout)["stages"]
    store = Store(folder / "home" / "store")
    found = store.find(reference_from(f"ingest/{stage['key']}"))
    assert found
    return store, found


def write_texts(rows: Artifact, folder: Path) -> tuple[Path, Path]:
    """Two files of one text a row, prompt and answer: `texts` as they are, for us; `words` for peers, every word
    replaced by a number, one space apart, so that all see the same words, whatever they call a word."""
    pairs = [pc.binary_join_element_wise(*pair, pa.scalar("\n", pa.large_string())) for pair in _columns(rows)]
    texts = pa.concat_arrays(pairs)
    found = words(fold(texts, np.zeros(len(texts), np.uint8)))
    _, numbers = np.unique(found.hashes, return_inverse=True)
    named = pc.binary_join_element_wise(pa.scalar("w"), pa.array(numbers).cast(pa.string()), pa.scalar(""))
    lists = pa.LargeListArray.from_arrays(pa.array(found.bounds), named.cast(pa.large_string()))
    pq.write_table(pa.table({"text": texts}), folder / "texts.parquet")
    pq.write_table(
        pa.table({"words": pc.binary_join(lists, pa.scalar(" ", pa.large_string()))}), folder / "words.parquet"
    )
    return folder / "texts.parquet", folder / "words.parquet"


def _columns(rows: Artifact) -> Iterator[tuple[pa.Array, pa.Array]]:
    for table in rows.tables(COLUMNS):
        for batch in batches(table):
            content = content_of(batch)
            yield content.prompt, content.answer


def _pairs(rows: Artifact) -> Iterator[tuple[str, str]]:
    for prompts, answers in _columns(rows):
        yield from zip(prompts.to_pylist(), answers.to_pylist(), strict=True)


def _changed(text: str, copy: int, alike: bool) -> str:
    if copy == 0:
        return text
    if not alike:
        return text.translate(_alphabet(copy))
    parts = text.split(" ")
    parts[59::60] = [f"{word}x{copy}" for word in parts[59::60]]
    return " ".join(parts)


_ALPHABETS: dict[int, dict[int, int]] = {}


def _alphabet(copy: int) -> dict[int, int]:
    """Letters and Han characters moved on by a number of places."""
    if copy not in _ALPHABETS:
        letters = {first + n: first + (n + copy) % 26 for first in (_SMALL, _CAPITAL) for n in range(26)}
        size = _HAN[1] - _HAN[0] + 1
        _ALPHABETS[copy] = letters | {_HAN[0] + n: _HAN[0] + (n + 997 * copy) % size for n in range(size)}
    return _ALPHABETS[copy]
