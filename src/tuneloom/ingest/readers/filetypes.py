"""Files that are plainly no data, by their first bytes or, where those say little, by their name."""

import re
from pathlib import PurePath

_TAR_AT, _TAR = 257, b"ustar"
_SHEET_ENDINGS = {".xlsx": "an Excel workbook; save the sheet as CSV", ".ods": "a spreadsheet; save the sheet as CSV"}
_BEGINNINGS = (
    (b"PK\x03\x04", "a ZIP archive; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document; save it as CSV"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "an image or a sound"),
    (b"OggS", "a sound"),
    (b"ID3", "a sound"),
    (b"fLaC", "a sound"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file; write its rows as JSON lines"),
    (b"SQLite format 3\0", "an SQLite database; write its rows as JSON lines"),
    (b"ORC", "an ORC table; write it as Parquet"),
    (b"Obj\x01", "an Avro table; write it as Parquet"),
    (b"\x7fELF", "a program"),
    (b"version https://git-lfs.github.com/spec", "a Git LFS pointer, not the file itself; run `git lfs pull`"),
)
_WORDS = (b"ORC", b"ID3", b"RIFF", b"Rar!")
"""Beginnings that the names of a table's columns may have too."""
_BINARY = re.compile(rb"[\0-\x08]")
_PAGES = (b"<!doctype html", b"<html", b"<?xml")
_DOCUMENTS = {".md", ".rst", ".html", ".htm", ".xml", ".tex", ".bib", ".rtf", ".pdf", ".docx", ".ipynb", ".log"}
_CODE = {".py", ".sh", ".js", ".ts", ".c", ".cpp", ".h", ".java", ".go", ".rs", ".r", ".css", ".sql"}
_SETTINGS = {".yaml", ".yml", ".toml", ".ini", ".cfg", ".lock", ".cff"}
_MEDIA = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".bmp", ".ico", ".mp3", ".wav", ".flac", ".ogg", ".mp4"}
_WEIGHTS = {".safetensors", ".gguf", ".bin", ".pt", ".pth", ".onnx", ".pkl", ".pickle", ".npy", ".npz", ".h5"}
_ARCHIVES = {".zip", ".tar", ".tgz", ".7z", ".rar"}
_KINDS = (
    (_DOCUMENTS, "a document"),
    (_CODE, "a program's text"),
    (_SETTINGS, "settings"),
    (_MEDIA, "media"),
    (_WEIGHTS, "arrays or weights"),
    (_ARCHIVES, "an archive; unpack it"),
)
NO_DATA_ENDINGS = sorted({suffix for suffixes, _ in _KINDS for suffix in suffixes})
_TEXTS = {"readme", "license", "licence", "copying", "notice", "changelog", "citation", "makefile", "dockerfile"}
_DESCRIPTIONS = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "_success", ".gitattributes"}


def by_content(head: bytes, name: str) -> str | None:
    """What a file is by its first bytes, None where they may be rows: b"%PDF-1.7" -> "a PDF document"."""
    for beginning, what in _BEGINNINGS:
        if head.startswith(beginning) and (beginning not in _WORDS or _BINARY.search(head[:64])):
            return _SHEET_ENDINGS.get(PurePath(name.lower()).suffix, what)
    if head[_TAR_AT:].startswith(_TAR):
        return "a tar archive; unpack it"
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05" and len(head) > 2:
        return "a Python pickle, which can run code and is not opened"
    if head.lstrip()[:20].lower().startswith(_PAGES):
        return "a web page or XML, perhaps what a failed download left"
    if head and not head.strip(b"\0"):
        return "zero bytes only, as a crash leaves them"
    return None


def by_name(name: str) -> str | None:
    """What a file is that has no rows that its content would show: "a/README.md" -> "a document"."""
    path = PurePath(name.lower())
    if path.stem in _TEXTS and path.suffix in ("", ".txt"):
        return "a document"
    if path.name in _DESCRIPTIONS:
        return "a description of a data set"
    return next((what for suffixes, what in _KINDS if path.suffix in suffixes), None)
