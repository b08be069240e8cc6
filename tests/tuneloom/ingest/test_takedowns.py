"""Takedowns while reading: rejected rows of any kind of file, and keys that name what concerns a file alone."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tuneloom.ingest.built import ingested, write_jsonl
from tuneloom.artifacts import Spec, Store
from tuneloom.config import Source
from tuneloom.ingest.block import Terms
from tuneloom.ingest.discover import discover
from tuneloom.ingest.files import Job, ingest_files
from tuneloom.ingest.stage import ingest_file
from tuneloom.ingest.takedowns import entries_in, standing_specs, words_digest

SECRET = "Katharina Blum"
GOOD = {"prompt": "2+2?", "completion": "4"}
TASK = {"Definition": ["Add."], "Positive Examples": [], "Negative Examples": []}


def parquet(path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([GOOD, {"prompt": SECRET, "completion": None}]), path)


def table(path: Path) -> None:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["prompt", "completion"], ["2+2?", "4"], [SECRET, ""], [SECRET]])


def lines(path: Path) -> None:
    path.write_text(f'{json.dumps(GOOD)}\r\n{{"prompt": "{SECRET}"\r\n["{SECRET}"]\r\n')


def array(path: Path) -> None:
    path.write_text(json.dumps([GOOD, {"prompt": SECRET, "completion": ""}, SECRET]))


def instances(path: Path) -> None:
    found: list[dict[str, Any]] = [{"input": SECRET, "output": []}, {"input": "1", "output": ["1"]}]
    path.write_text(json.dumps({**TASK, "Instances": found}))


KINDS = [("f.parquet", parquet), ("f.csv", table), ("f.jsonl", lines), ("f.json", array), ("task.json", instances)]


@pytest.mark.parametrize(("name", "write"), KINDS)
def test_rejects_of_every_kind_of_file_lose_their_words_and_stay_counted(tmp_path: Path, name: str, write: Any) -> None:
    write(tmp_path / name)
    before = ingested(tmp_path / name)
    said = [(row["raw"], row["record"]) for row in before.rejected().to_pylist()]
    gone = frozenset(filter(None, (words_digest(*words) for words in said)))
    assert gone
    assert SECRET in str(before.rejected().to_pylist())
    assert entries_in(before, {*gone, "0" * 32}) == gone
    after = ingested(tmp_path / name, takedowns=gone)
    assert SECRET not in str(after.rejected().to_pylist())
    assert (after.manifest.counts, after.manifest.reasons) == (before.manifest.counts, {"taken down": len(said)})
    assert entries_in(after, gone) == set()


@pytest.mark.parametrize(("name", "write"), KINDS[:4])
def test_they_stay_away_where_other_settings_would_keep_them(tmp_path: Path, name: str, write: Any) -> None:
    write(tmp_path / name)
    said = [(row["raw"], row["record"]) for row in ingested(tmp_path / name).rejected().to_pylist()]
    gone = frozenset(filter(None, (words_digest(*words) for words in said)))
    columns = {"instruction": "prompt", "output": "prompt"}
    assert SECRET in str(ingested(tmp_path / name, columns=columns).table().to_pylist()) or name == "f.jsonl"
    after = ingested(tmp_path / name, takedowns=gone, columns=columns)
    assert SECRET not in str([after.table().to_pylist(), after.rejected().to_pylist()])
    assert after.manifest.reasons["taken down"] == len(said)


class Files:
    """A store and its files, read under a list; `read` counts the readings."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.folder, self.read = Store(folder / ".store"), folder, list[str]()

        def reading(*given: Any) -> frozenset[str]:
            self.read.append(given[1].relative)
            return ingest_file(*given)

        monkeypatch.setattr("tuneloom.ingest.files.ingest_file", reading)

    def specs(self) -> list[Spec]:
        names = sorted(path.name for path in self.folder.glob("*.jsonl"))
        return [Spec("ingest", "c", inputs={"file": name, "v": (self.folder / name).read_text()}) for name in names]

    def ingest(self, *listed: str) -> list[Any]:
        source = Source(name="s", path="*.jsonl")
        jobs = [Job(spec, file, source) for spec, file in zip(self.specs(), discover(source, self.folder), strict=True)]
        return list(ingest_files(self.store, jobs, Terms(frozenset(listed))))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    for name in "ab":
        write_jsonl(tmp_path / f"{name}.jsonl", [{"prompt": f"{name} {n}", "completion": "x"} for n in range(4)])
    return Files(tmp_path, monkeypatch)


def test_a_new_file_that_holds_listed_rows_is_read_twice_once(files: Files) -> None:
    (first, second) = files.ingest()
    ids = [one.table(["id"])["id"].to_pylist() for one in (first, second)]
    files.store.remove(first.reference, "as if it had never been read")
    files.read.clear()
    made = files.ingest(ids[0][0], "0" * 32)
    assert files.read == ["a.jsonl", "a.jsonl"]
    assert [one.manifest.counts.rows_out for one in made] == [3, 4]
    assert made[1].reference == second.reference
    assert [one.reference for one in files.ingest(ids[0][0], "1" * 32)] == [one.reference for one in made]
    assert len(files.read) == 2


def test_keys_do_not_tell_in_which_order_rows_were_taken_down(files: Files) -> None:
    first, _ = files.ingest()
    one, other = first.table(["id"])["id"].to_pylist()[:2]
    files.store.take_down(first.reference, [one], "asked")
    then = files.ingest(one)[0]
    files.store.take_down(then.reference, [other], "asked")
    step_by_step = files.ingest(one, other)[0]
    files.store.remove(first.reference, "as if it had never been read")
    at_once = files.ingest(one, other)[0]
    assert step_by_step.reference == at_once.reference
    assert step_by_step.manifest.spec["inputs"]["takedowns"] == sorted([one, other])


def test_an_entry_written_by_hand_concerns_the_file_that_holds_it(files: Files) -> None:
    first, second = files.ingest()
    row = second.table(["id"])["id"][0].as_py()
    files.read.clear()
    made = files.ingest(row)
    assert files.read == ["b.jsonl"]
    assert (made[0].reference, made[1].manifest.counts.rows_out) == (first.reference, 3)


def test_a_list_without_what_was_taken_down_leaves_the_tombstones_key(files: Files) -> None:
    first, _ = files.ingest()
    row = first.table(["id"])["id"][0].as_py()
    files.store.take_down(first.reference, [row], "asked")
    assert standing_specs(files.store, files.specs()[:1], frozenset())[0].reference == first.reference
    assert standing_specs(files.store, files.specs()[:1], frozenset(["0" * 32]))[0].reference == first.reference
    assert standing_specs(files.store, files.specs()[:1], frozenset([row]))[0].reference != first.reference
