"""Memos: results of costly row-wise work, kept beside the artifacts and reusable on their own.

    STORE/memo/<name>/<key>-<digest>.parquet          a table of one artifact's rows; the key begins with the artifact's
    STORE/memo/<name>/rows-<number>-<digest>.parquet  rows by content hash, a segment a call that computed some

`name` carries a hand-set version (`signatures-v1`), so a change of code alone computes nothing again. A file's name
holds the digest of its bytes: what does not match, or does not parse, is said and made again.
"""

import glob
import os
import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts.manifest import file_digest
from tuneloom.artifacts.remote import RemoteFolder
from tuneloom.artifacts.work import Say, Work, flush
from tuneloom.errors import BrokenArtifact

MemoRows = Callable[[str, Sequence[str] | pa.Array, Callable[[pa.Array], pa.Table]], pa.Table]
"""`Store.memo_rows`, or `no_memo`."""

_LOCK_SECONDS = 3600.0
_HASH = "_hash"


def no_memo(name: str, hashes: Sequence[str] | pa.Array, make_missing: Callable[[pa.Array], pa.Table]) -> pa.Table:
    """Like `Store.memo_rows` where nothing is known and nothing kept."""
    return make_missing(pa.array(range(len(hashes)), pa.int64()))


class Memos:
    """The memos of the store in `folder`."""

    def __init__(self, folder: Path, remote: RemoteFolder | None, work: Work, say: Say) -> None:
        self._folder, self._remote, self._work, self._say = folder, remote, work, say

    def table(self, name: str, key: str, make: Callable[[], pa.Table]) -> pa.Table:
        """`Store.memo`."""
        for path in self._files(name, key):
            if (known := self._read(path)) is not None:
                return known
        table = make()
        self._write(name, key, table)
        return table

    def known(self, name: str, keys: Sequence[str]) -> dict[str, pa.Table]:
        """`Store.known_memos`; the folder is listed once, whatever the number of keys."""
        elsewhere = self._remote.names(f"memo/{name}") if self._remote else ()
        here = (self._folder / "memo" / name).glob("*.parquet")
        wanted, found = set(keys), dict[str, pa.Table]()
        for file in sorted({*map(os.path.basename, elsewhere), *(path.name for path in here)}):
            key = file.rpartition("-")[0]
            if key in wanted and key not in found and (table := self._read(f"memo/{name}/{file}")) is not None:
                found[key] = table
        return found

    def rows(self, name: str, hashes: Sequence[str] | pa.Array, make: Callable[[pa.Array], pa.Table]) -> pa.Table:
        """`Store.memo_rows`."""
        wanted = pa.array(hashes, pa.string())
        found, read = _Found(wanted), set[str]()
        self._gather(name, found, read)
        missing = found.missing()
        if len(missing) or not found.parts:
            positions = pc.index_in(missing, wanted).cast(pa.int64())
            made = make(positions)
            if len(made) != len(missing):
                what = f"memo {name}: {len(missing)} rows were asked for, {len(made)} came"
                raise BrokenArtifact(what, where=name, remedy="This is a defect of the stage.")
            self._keep(name, found, read, made.append_column(_HASH, missing))
        return found.table(wanted)

    def drop(self, key: str) -> None:
        """Removes the tables whose key begins with `key`: those made of that artifact."""
        for path in self._all():
            if path.rpartition("/")[2].startswith(key):
                self._remove(path)

    def without(self, hashes: Sequence[str]) -> None:
        """Removes the rows of these hashes from every segment; the others keep their values."""
        gone = pa.array(hashes, pa.string())
        for path in self._all():
            name, _, file = path.removeprefix("memo/").rpartition("/")
            if not file.startswith("rows-"):
                continue
            with self._work.locked(f"memo-{name}", f"the memo {name}", _LOCK_SECONDS):
                segment = self._read(path)
                if segment is None or not pc.any(mask := pc.is_in(segment[_HASH], gone)).as_py():
                    continue
                self._write(name, file.rpartition("-")[0], segment.filter(pc.invert(mask)))
                self._remove(path)

    def _all(self) -> list[str]:
        """Paths of all memos, here and elsewhere."""
        local = {str(path.relative_to(self._folder)) for path in (self._folder / "memo").glob("*/*.parquet")}
        return sorted(local | set(self._remote.names("memo") if self._remote else ()))

    def _remove(self, path: str) -> None:
        if self._remote:
            self._remote.drop(path)
        (self._folder / path).unlink(missing_ok=True)

    def _keep(self, name: str, found: "_Found", read: set[str], made: pa.Table) -> None:
        """Adds a segment; what another process stored meanwhile stands, so that all read the same values for ever."""
        with self._work.locked(f"memo-{name}", f"the memo {name}", _LOCK_SECONDS):
            self._gather(name, found, read)
            found.check_schema(name, made.schema)
            fresh = made.filter(pc.is_in(made[_HASH], found.missing()))
            found.add(fresh)
            if len(fresh):
                numbers = [int(Path(path).name.split("-")[1]) for path in self._files(name, "rows-*")]
                self._write(name, f"rows-{max(numbers, default=0) + 1:06d}", fresh)

    def _gather(self, name: str, found: "_Found", read: set[str]) -> None:
        """Adds the segments that were not read yet, in the order they were written."""
        for path in self._files(name, "rows-*"):
            if path not in read and len(found.missing()):
                segment = self._read(path)
                if segment is not None:
                    found.add(segment)
                read.add(path)

    def _files(self, name: str, stem: str) -> list[str]:
        """Paths `memo/<name>/<stem>-<digest>.parquet`, here and elsewhere; `*` in the stem stands for a number."""
        pattern = re.compile(re.escape(stem).replace(r"\*", r"\d+") + r"-[0-9a-f]{32}\.parquet")
        local = (self._folder / "memo" / name).glob(f"{glob.escape(stem).replace('[*]', '*')}-*.parquet")
        paths = {f"memo/{name}/{path.name}" for path in local}
        if self._remote and (stem.endswith("*") or not paths):
            paths.update(self._remote.names(f"memo/{name}"))
        return sorted(path for path in paths if pattern.fullmatch(path.removeprefix(f"memo/{name}/")))

    def _read(self, path: str) -> pa.Table | None:
        """The table, or None where it is damaged or gone; a damaged copy of one elsewhere is fetched again."""
        here = self._folder / path
        if here.is_file():
            if (table := _parse(here)) is not None:
                return table
            self._say_damaged(path)
            here.unlink(missing_ok=True)
        if self._remote and self._remote.get(path, here):
            if (table := _parse(here)) is not None:
                return table
            self._say_damaged(path)
            here.unlink(missing_ok=True)
            self._remote.drop(path)
        return None

    def _write(self, name: str, stem: str, table: pa.Table) -> None:
        with self._work.folder("memo") as work:
            part = work / "memo.parquet"
            pq.write_table(table, part, compression="zstd")
            flush(part)
            path = f"memo/{name}/{stem}-{file_digest(part)}.parquet"
            if self._remote:
                self._remote.put(part, path)
            (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, self._folder / path)

    def _say_damaged(self, path: str) -> None:
        name, _, file = path.removeprefix("memo/").rpartition("/")
        self._say(f"memo {name}/{file.rpartition('-')[0]} is damaged; it is made again")


class _Found:
    """Rows for the distinct hashes of `wanted`, gathered from segments; of two rows for a hash the first stands."""

    def __init__(self, wanted: pa.Array) -> None:
        self._distinct = pc.unique(wanted)
        self._row = np.full(len(self._distinct), -1, np.int64)  # (distinct,) row in the concatenated parts
        self._rows = 0
        self.parts: list[pa.Table] = []

    def add(self, segment: pa.Table) -> None:
        """Takes from a segment the rows that are wanted and not there yet."""
        place = pc.index_in(segment[_HASH], self._distinct)
        known = np.asarray(pc.fill_null(place, -1), np.int64)
        rows = np.flatnonzero((known >= 0) & (self._row[known] < 0) if len(self._row) else known >= 0)
        self._row[known[rows]] = self._rows + np.arange(len(rows))
        self._rows += len(rows)
        self.parts.append(segment.take(pa.array(rows)))

    def missing(self) -> pa.Array:
        """The distinct hashes without a row yet, in the order they were asked for."""
        return self._distinct.filter(pa.array(self._row < 0))

    def check_schema(self, name: str, schema: pa.Schema) -> None:
        """Raises BrokenArtifact where stored rows have other columns: their version was not raised."""
        for part in self.parts:
            if not part.schema.equals(schema):
                raise BrokenArtifact(
                    f"memo {name} holds rows with other columns", where=name, remedy="Raise the version in its name."
                )

    def table(self, wanted: pa.Array) -> pa.Table:
        """The rows, one for each of `wanted`, without the hash."""
        place = np.asarray(pc.index_in(wanted, self._distinct), np.int64)
        return pa.concat_tables(self.parts).drop_columns([_HASH]).take(pa.array(self._row[place]))


def _parse(path: Path) -> pa.Table | None:
    """The table of a file whose bytes are those that its name says."""
    try:
        content = path.read_bytes()
        if blake2b(content, digest_size=16).hexdigest() != path.stem.rpartition("-")[2]:
            return None
        return pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError):
        return None
