"""The one way in: sniff, read, and turn whatever is wrong with the file as a whole into UnreadableFile."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from tuneloom.ingest.readers.line import Line, NotData, ReadFault, UnreadableFile
from tuneloom.ingest.readers.opening import FAULTS
from tuneloom.ingest.readers.sniff import sniff

_CLOSED = (PermissionError, FileNotFoundError, IsADirectoryError)


def read(path: Path) -> Iterator[Line]:
    """The rows of a file of any known type; one faulty row, number 0, for what is plainly no data.

    Raises UnreadableFile where it cannot be read (any further).
    """
    try:
        kind = sniff(path)
        if kind:
            yield from importlib.import_module(f"tuneloom.ingest.readers.{kind}").read(path)
    except NotData as what:
        yield Line(0, None, ReadFault("not a data file", str(what)))
    except (*FAULTS, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, _CLOSED):
            raise  # a disk that fails is not the data's fault: goes up, to be retried
        raise UnreadableFile(_why(error)) from error


def _why(error: Exception) -> str:
    """The cause without the file's absolute path: rejects are the same on every machine."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}"
