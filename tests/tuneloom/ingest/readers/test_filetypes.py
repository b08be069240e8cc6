"""What is plainly no data, by first bytes and by name."""

import pytest

from tuneloom.ingest.readers.filetypes import by_content, by_name


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a/README", "a document"),
        ("LICENSE.txt", "a document"),
        ("notes.MD", "a document"),
        ("load.py", "a program's text"),
        ("config.yaml", "settings"),
        ("photo.JPG", "media"),
        ("model.safetensors", "arrays or weights"),
        ("images.zip", "an archive; unpack it"),
        ("dataset_infos.json", "a description of a data set"),
    ],
)
def test_a_name_that_tells(name: str, what: str) -> None:
    assert by_name(name) == what


@pytest.mark.parametrize("name", ["train.jsonl", "train", "a.json.gz", "t.txt", "t.csv", "readme.jsonl", "x.parquet"])
def test_a_name_that_does_not(name: str) -> None:
    assert by_name(name) is None


@pytest.mark.parametrize("head", [b"", b'{"a": 1}', b"q,a\n", b"ID3,RIFF\n1,2", b"\xef\xbb\xbf[", b"PAR1", b"\x80"])
def test_beginnings_of_data(head: bytes) -> None:
    assert by_content(head, "f") is None


def test_the_name_refines_what_an_archive_is() -> None:
    assert by_content(b"PK\x03\x04", "rows.XLSX") == "an Excel workbook; save the sheet as CSV"
