"""The signals that the stage keeps of every judged row, so that what-if questions are answered without a rerun.

`signals.parquet` in the artifact: `id`, the categories, `rule` (the one that rejected the row, null where it was kept)
and each signal as float64, for a bound must fall where it fell in the run. There is no text in it.
"""

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact, Writer
from tuneloom.errors import BrokenArtifact
from tuneloom.quality.signals import CATEGORIES, SIGNALS

FILE = "signals.parquet"
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("rule", pa.string()),
        *((name, pa.string()) for name in CATEGORIES),
        *((name, pa.float64()) for name in SIGNALS),
    ]
)


class SignalFile:
    """Writes the file a table at a time.

    with SignalFile(writer) as stored:
        stored.add(judged)
    """

    def __init__(self, writer: Writer) -> None:
        self._writer, self._rows = writer, 0
        self._file = pq.ParquetWriter(writer.file(FILE), SCHEMA, compression="zstd")

    def __enter__(self) -> "SignalFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._writer.file(FILE, rows=self._rows)

    def add(self, judged: pl.DataFrame) -> None:
        """Rows with the columns of `SCHEMA`."""
        if len(judged):
            self._file.write_table(judged.select(SCHEMA.names).to_arrow().cast(SCHEMA))
            self._rows += len(judged)


def read_signals(artifact: Artifact) -> pl.DataFrame:
    """All judged rows. Raises BrokenArtifact for an artifact of another stage or version."""
    if FILE not in {file.path for file in artifact.manifest.files}:
        raise BrokenArtifact(
            f"artifact {artifact.reference} stores no signals", where=str(artifact.folder), remedy="Run `tuneloom run`."
        )
    return pl.from_arrow(pq.read_table(artifact.path(FILE)))  # type: ignore[return-value]
