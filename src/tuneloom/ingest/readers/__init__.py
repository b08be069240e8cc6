"""Bytes to rows. The content decides how a file is read, never its name alone; a broken row is a value, not a crash.

line.py, opening.py, sniff.py      what a reader yields · decompression · which reader
jsonl.py, json_document.py, delimited.py, columnar.py     one reader a family: `read(path) -> Iterator[Line]`
"""

from tuneloom.ingest.readers.line import Line, ReadFault, UnreadableFile
from tuneloom.ingest.readers.reading import read

__all__ = ["Line", "ReadFault", "UnreadableFile", "read"]
