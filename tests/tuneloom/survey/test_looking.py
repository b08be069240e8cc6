"""One file looked at: counts and labels are those of ingestion, and it is said where they are of the first rows."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.tuneloom.ingest.built import ingested, write_jsonl
from tuneloom.ingest.discover import SourceFile
from tuneloom.survey.looking import FileSurvey, look


def seen(path: Path, **limits: int) -> FileSurvey:
    return look(SourceFile("init", path.name, path), **limits)


def pairs(count: int) -> list[dict[str, Any]]:
    return [{"instruction": f"Name the number {n:05d}.", "output": f"It is {n:05d}."} for n in range(count)]


def test_counts_and_labels_are_those_of_ingestion(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "rows.jsonl", [*pairs(9), {"instruction": "x", "output": ""}, 7])
    artifact, found = ingested(file), seen(file)
    assert (found.rows, found.count, found.kept) == (11, "exact", 9)
    assert found.reasons == dict(artifact.manifest.reasons)
    assert (found.format, found.languages, found.kinds) == tuple(
        artifact.stats[name] for name in ("format", "languages", "kinds")
    )
    assert found.evidence["not an object"]
    assert [path.name for path in tmp_path.iterdir() if path.name != ".store"] == ["rows.jsonl"]


def test_prompts_without_answers_are_for_decontamination(tmp_path: Path) -> None:
    asked = [{"messages": [{"role": "user", "content": f"Question {n}?"}]} for n in range(3)]
    found = seen(write_jsonl(tmp_path / "asked.jsonl", asked))
    assert (found.use, found.kept, found.reasons) == ("decontaminate", 3, {})
    answered = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    found = seen(write_jsonl(tmp_path / "mixed.jsonl", [*asked, answered]))
    assert (found.use, found.kept, found.reasons) == ("train", 1, {"no answer": 3})


def test_rows_beyond_the_first_are_counted_in_a_small_file_and_estimated_in_a_big_one(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "rows.jsonl", pairs(500))
    found = seen(file, looked_at=50)
    assert (found.rows, found.count, found.looked_at, found.kept) == (500, "exact", 50, 50)
    found = seen(file, looked_at=50, counted_bytes=1000)
    assert (found.count, found.looked_at) == ("about", 50)
    assert found.rows == pytest.approx(500, rel=0.02)
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    found = seen(packed, looked_at=50, counted_bytes=1000)
    assert (found.rows, found.count) == (50, "at least")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(200)), "not a data file"),
        (b'{"text": "a"}\n{"text": "b"}\n', "unknown format"),
    ],
)
def test_what_cannot_be_used_has_its_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "file.bin").write_bytes(content)
    found = seen(tmp_path / "file.bin")
    assert (found.usable, list(found.reasons)) == (False, [reason])


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    found = seen(tmp_path / "empty.jsonl")
    assert (found.empty, found.usable, found.format) == (True, False, None)


def test_nested_rows_give_more_conversations_than_rows(tmp_path: Path) -> None:
    task = {"Definition": ["Name it."], "Instances": [{"input": f"{n}", "output": ["x"]} for n in range(5)]}
    (tmp_path / "task.json").write_text(json.dumps(task))
    found = seen(tmp_path / "task.json")
    assert (found.rows, found.kept) == (1, 5)


def test_what_is_no_file_is_told_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name in ("link.jsonl", "pipe.jsonl"):
        found = seen(tmp_path / name)
        assert (found.usable, found.bytes, len(found.reasons)) == (False, 0, 1)
