"""One file in, one artifact out: nothing is lost, and what is rejected says why."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.ingest.built import ingested, rejects, rows, turns, write_jsonl
from tuneloom.artifacts import Spec, Store
from tuneloom.config import Source
from tuneloom.errors import ConfigError
from tuneloom.ingest import stage
from tuneloom.ingest.block import Terms
from tuneloom.ingest.discover import SourceFile
from tuneloom.ingest.readers import pieces
from tuneloom.workers import Workers

_GOOD = {"prompt": "What is 2+2?", "completion": "4", "language": "en", "kind": "natural"}


def test_a_row_keeps_its_words_its_labels_and_its_place(tmp_path: Path) -> None:
    row = {"instruction": "Add.", "input": "1, 2", "output": "3</s>", "category": "maths", "url": "u", "language": "en"}
    artifact = ingested(write_jsonl(tmp_path / "adds.json", [row, row]), license="MIT", use="evaluate")
    first, second = rows(artifact)
    assert turns(first) == [("user", "Add.\n\n1, 2"), ("assistant", "3")]
    assert first["origin"] == {"source": "s", "file": "adds.json", "row": 1, "part": 0}
    assert second["origin"]["row"] == 2
    assert first["id"] == second["id"] == first["content_hash"]
    assert dict(first["fields"]) == {"instruction": "Add.", "input": "1, 2", "answer": "3"}
    assert [first[name] for name in ("category", "language", "kind", "license", "use", "task", "flags", "meta")] == [
        "maths", "en", "natural", "MIT", "evaluate", None, ["end mark stripped"], '{"url":"u"}',
    ]  # fmt: skip
    assert artifact.stats["format"] == "alpaca"
    assert artifact.stats["repairs"] == {"end mark stripped": 2}


def test_t0_rows_are_named_after_their_template_and_stripped_of_the_end_mark(tmp_path: Path) -> None:
    values = [{"prompt": "2+2=", "completion": "4<|endoftext|>"}, {"prompt": "1+1=", "completion": "<|endoftext|>"}]
    artifact = ingested(write_jsonl(tmp_path / "maths_add.jsonl", values), language="en")
    (row,) = rows(artifact)
    assert (turns(row), row["task"], row["flags"]) == (
        [("user", "2+2="), ("assistant", "4")], "maths_add", ["end mark stripped"],
    )  # fmt: skip
    ((number, reason, detail, raw),) = rejects(artifact)
    assert (number, reason, detail["field"]) == (2, "empty answer", "messages[1].content")
    assert json.loads(raw or b"") == values[1]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"prompt": "x", "comple', "unreadable row"),
        (b"[1, 2]", "not an object"),
        (b"null", "not an object"),
        (b'{"prompt": "x", "completion": null}', "empty answer"),
        (b'{"prompt": "x"}', "empty answer"),
        (b'{"prompt": "x", "completion": " \\n"}', "empty answer"),
        (b'{"prompt": "", "completion": "x"}', "no prompt"),
        (b'{"completion": "x"}', "no prompt"),
        (b'{"prompt": "x", "completion": {"a": 1}}', "wrong type"),
        (b'{"prompt": "x", "completion": ["a"]}', "wrong type"),
        (b'{"prompt": "x", "completion": "\\ud800"}', "lone surrogate"),
        (b'{"prompt": "x", "completion": "a", "completion": "b"}', "duplicate key"),
        (b'{"prompt": "x\x00", "completion": "a"}', "unreadable row"),
        (b'{"prompt": "\xff", "completion": "a"}', "unreadable row"),
    ],
)
def test_each_broken_row_is_rejected_with_its_reason_and_bytes(tmp_path: Path, line: bytes, reason: str) -> None:
    good = json.dumps(_GOOD).encode()
    (tmp_path / "f.jsonl").write_bytes(b"\n".join([good, line, good, good]))
    artifact = ingested(tmp_path / "f.jsonl")
    assert [(number, why, raw) for number, why, _, raw in rejects(artifact)] == [(2, reason, line)]
    assert [row["origin"]["row"] for row in rows(artifact)] == [1, 3, 4]


def test_several_instances_count_once_as_read_and_the_rest_as_made(tmp_path: Path) -> None:
    instances = [{"input": "France", "output": ["Paris"]}, {"input": "Chad", "output": [""]}, 7]
    task = {"Definition": ["Name the capital."], "Instances": instances}
    (tmp_path / "task1_capitals.json").write_text(json.dumps(task, indent=2))
    artifact = ingested(tmp_path / "task1_capitals.json")
    counts = artifact.manifest.counts
    assert (counts.rows_in, counts.made, counts.rows_out, counts.rejected) == (1, 2, 1, 2)
    assert rows(artifact)[0]["task"] == "task1_capitals"
    assert rows(artifact)[0]["references"] == ["Paris"]
    parts = {(r["origin"]["part"], r["reason"]) for r in artifact.rejected().to_pylist()}
    assert parts == {(1, "empty answer"), (2, "not an object")}


def test_a_file_that_is_no_data_is_one_rejected_row_number_0(tmp_path: Path) -> None:
    (tmp_path / "photo.json").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x01")
    artifact = ingested(tmp_path / "photo.json")
    ((number, reason, detail, _),) = rejects(artifact)
    assert (number, reason) == (0, "not a data file")
    assert detail["evidence"] == "a PNG image"
    assert artifact.manifest.counts.rows_in == 1
    assert len(artifact.table()) == 0


def test_a_file_that_is_gone_by_now_does_not_take_the_run_with_it(tmp_path: Path) -> None:
    from tuneloom.artifacts import Spec, Store
    from tuneloom.config import Source
    from tuneloom.ingest.discover import SourceFile

    gone = SourceFile("s", "gone.jsonl", tmp_path / "gone.jsonl")
    source = Source(name="s", path="gone.jsonl")
    artifact = Store(tmp_path / ".store").ensure(
        Spec("ingest", "test"), lambda writer: stage.ingest_file(writer, gone, source, Terms())
    )
    assert rejects(artifact)[0][:2] == (0, "unreadable file")


def test_an_empty_file_has_no_rows_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_bytes(b"")
    artifact = ingested(tmp_path / "f.jsonl")
    assert (artifact.manifest.counts.rows_in, artifact.stats["rows"], artifact.stats["format"]) == (0, 0, None)
    assert len(artifact.table()) == 0


def test_rows_of_no_known_format_name_their_keys_and_what_to_do(tmp_path: Path) -> None:
    artifact = ingested(write_jsonl(tmp_path / "f.jsonl", [{"text": "a"}, {"text": "b"}]))
    (_, reason, detail, raw), _ = rejects(artifact)
    assert (reason, raw) == ("unknown format", b'{"text": "a"}')
    assert detail["evidence"] == "map them with `columns`, or add a plugin; keys: text"


def test_columns_bring_a_strange_file_home(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "f.jsonl", [{"frage": "2+2?", "antwort": "4", "n": 1, "language": "de"}])
    (row,) = rows(ingested(file, columns={"question": "frage", "answer": "antwort"}))
    assert (turns(row), row["meta"]) == ([("user", "2+2?"), ("assistant", "4")], '{"n":1}')
    artifact = ingested(file, columns={"question": "frage", "answer": "antwrt"})
    assert rejects(artifact)[0][1:3] == (
        "missing column",
        {
            "rule": "ingest.columns",
            "version": 1,
            "field": "antwrt",
            "evidence": "the config maps answer to it; columns here: antwort, frage, language, n",
        },
    )


def test_a_named_format_is_not_detected_and_an_unknown_one_is_a_config_error(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "f.jsonl", [_GOOD])
    assert ingested(file, format="prompt_completion").stats["confidence"] is None
    with pytest.raises(ConfigError, match="Did you mean 'prompt_completion'"):
        ingested(file, format="prompt_completions")


def test_a_takedown_leaves_neither_row_nor_words(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "f.jsonl", [_GOOD, {**_GOOD, "completion": "four"}])
    identity = rows(ingested(file))[1]["id"]
    artifact = ingested(file, takedowns=frozenset({identity}))
    assert [row["origin"]["row"] for row in rows(artifact)] == [1]
    (reject,) = artifact.rejected().to_pylist()
    assert (reject["reason"], reject["raw"], reject["record"]) == ("taken down", None, None)
    assert "four" not in json.dumps(reject["detail"])


def test_a_limit_reads_the_first_rows_only(tmp_path: Path) -> None:
    artifact = ingested(write_jsonl(tmp_path / "f.jsonl", [_GOOD] * 5), limit=2)
    assert artifact.manifest.counts.rows_in == artifact.stats["rows"] == 2


def test_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values: list[Any] = [{**_GOOD, "prompt": f"{i}?", "completion": "" if i % 7 == 0 else "x"} for i in range(40)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = ingested(write_jsonl(tmp_path / "a/f.jsonl", values))
    monkeypatch.setattr(stage, "BLOCK", 3)
    cut = ingested(write_jsonl(tmp_path / "b/f.jsonl", values))
    assert [f.digest for f in whole.manifest.files] == [f.digest for f in cut.manifest.files]


def test_parquet_rejects_keep_their_record(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"prompt": ["a", "b"], "completion": ["x", None]}), tmp_path / "f.parquet")
    artifact = ingested(tmp_path / "f.parquet", language="en")
    (reject,) = artifact.rejected().to_pylist()
    assert (reject["reason"], reject["raw"], reject["record"]) == (
        "empty answer",
        None,
        '{"completion":null,"prompt":"b"}',
    )


def test_a_row_in_which_a_format_finds_nothing_is_rejected_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        """Claims every row and says nothing."""

        @staticmethod
        def parse(row: Any) -> list[Any]:
            return []

    monkeypatch.setattr("tuneloom.ingest.block.formats", lambda plugins: {"alpaca": Silent})
    (tmp_path / "f.jsonl").write_text('{"instruction": "a", "output": "b"}\n')
    artifact = ingested(tmp_path / "f.jsonl", format="alpaca")
    assert dict(artifact.manifest.reasons) == {"no instance": 1}
    assert (artifact.manifest.counts.rows_in, artifact.manifest.counts.made) == (1, 0)


def test_a_reject_of_many_instances_keeps_itself_alone_and_can_be_ingested_again(tmp_path: Path) -> None:
    instances = [{"input": str(n), "output": ["yes"] if n % 2 else [""]} for n in range(6)]
    task = {"Definition": ["Is it odd?"], "Instances": [*instances, 7]}
    (tmp_path / "task.json").write_text(json.dumps(task))
    artifact = ingested(tmp_path / "task.json")
    records = [json.loads(reject["record"]) for reject in artifact.rejected().to_pylist()]
    assert sorted(str(record["Instances"]) for record in records) == sorted(
        str([instance]) for instance in (*instances[::2], 7)
    )
    mended = [{**record, "Instances": [{"input": "2", "output": ["no"]}]} for record in records]
    again = ingested(write_jsonl(tmp_path / "mended.jsonl", mended))
    assert again.manifest.counts.rows_out == 4


def test_a_limit_counts_the_trees_of_flat_messages_and_cuts_none(tmp_path: Path) -> None:
    said = [("prompter", None, None), ("assistant", "m0", 0), ("assistant", "m0", 1)]
    messages = [
        {"message_id": f"{tree}m{n}", "parent_id": parent and f"{tree}{parent}", "message_tree_id": f"{tree}m0",
         "role": role, "text": f"Text {n} of {tree}.", "lang": "en", "rank": rank, "deleted": False}
        for tree in "abc"
        for n, (role, parent, rank) in enumerate(said)
    ]  # fmt: skip
    path = write_jsonl(tmp_path / "trees.jsonl", messages)
    for limit, trees in ((None, 3), (2, 2)):
        artifact = ingested(path, limit=limit)
        counts = artifact.manifest.counts
        assert (counts.rows_in, counts.made, counts.rows_out, counts.rejected) == (trees, trees, trees, trees)
        assert dict(artifact.manifest.reasons) == {"lower-ranked reply": trees}
        assert [row["origin"]["row"] for row in rows(artifact)] == [1, 4, 7][:trees]


def test_a_row_that_is_rejected_whole_is_kept_whole(tmp_path: Path) -> None:
    instances = [{"input": "1", "output": "2"}, {"input": "3", "output": "4"}]
    path = write_jsonl(tmp_path / "f.jsonl", [{"instruction": ["no text"], "instances": instances}])
    (reject,) = ingested(path).rejected().to_pylist()
    assert json.loads(reject["raw"])["instances"] == instances


_ROWS = st.lists(st.sampled_from([_GOOD, {**_GOOD, "completion": ""}, {"x": 1}, 7]), min_size=1, max_size=8)
_CUTS = st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4), st.integers(0, 5)), max_size=4)


@settings(max_examples=60, deadline=None)
@given(values=_ROWS, cuts=_CUTS, name=st.sampled_from(["f.jsonl", "f.json", "f.csv", "f"]))
def test_no_row_is_ever_lost_however_mangled_the_bytes(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], cuts: list[tuple[float, bytes, int]], name: str
) -> None:
    """Conservation itself is checked at the commit; here, every line that is left in a JSONL file is accounted for."""
    content = "".join(json.dumps(value) + "\n" for value in values).encode()
    for place, junk, length in cuts:
        at = int(place * len(content))
        content = content[:at] + junk + content[at + length :]
    file = tmp_path_factory.mktemp("mangled") / name
    file.write_bytes(content)
    artifact = ingested(file)
    counts = artifact.manifest.counts
    assert (counts.rows_in or 0) + (counts.made or 0) == len(artifact.table()) + artifact.rejected().num_rows
    origins = [(r["origin"]["row"], r["origin"]["part"]) for r in (*rows(artifact), *artifact.rejected().to_pylist())]
    assert len(set(origins)) == len(origins)
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    if (
        name == "f.jsonl"
        and not {"unreadable file", "not a data file"} & artifact.manifest.reasons.keys()
        and start[:2].strip() not in (b"[", b"{")
    ):
        ending = b"\n" if b"\n" in content else b"\r"  # as old Macs wrote
        lines = [line for line in content.removeprefix(b"\xef\xbb\xbf").split(ending) if line.strip()]
        assert counts.rows_in == len(lines) or start.startswith(b"[")


@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_the_bytes_do_not_depend_on_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    monkeypatch.setattr(pieces, "RANGE", 1_000)
    monkeypatch.setattr(pieces, "BLOCK", 50)
    values = [{"instruction": f"Say {n}.", "output": str(n) if n % 7 else ""} for n in range(1_000)]
    lines = [json.dumps(value) for value in values]
    path = tmp_path / f"f.{ending}"
    path.write_text("\n".join(lines) if ending == "jsonl" else f"[{','.join(lines)}]")
    source, file = Source(name="s", path="f"), SourceFile("s", path.name, path)
    spec = Spec("ingest", "test")
    alone = Store(tmp_path / "one").ensure(spec, lambda w: stage.ingest_file(w, file, source, Terms()))
    with Workers(2) as workers:
        together = Store(tmp_path / "two").ensure(
            spec, lambda w: stage.ingest_file(w, file, source, Terms(), None, workers)
        )
    assert [(f.path, f.digest) for f in alone.manifest.files] == [(f.path, f.digest) for f in together.manifest.files]
    assert alone.manifest.counts == together.manifest.counts
    assert alone.manifest.counts.rejected == len(range(0, 1_000, 7))


def test_a_column_that_the_first_long_rows_lack_is_looked_for_in_the_next(tmp_path: Path) -> None:
    values = [{"q": f"{n}?", "pad": "x" * (3 << 20)} for n in range(2)] + [{"q": "3?", "a": "So."}] * 3
    file = write_jsonl(tmp_path / "rows.jsonl", values)
    artifact = ingested(file, language="en", columns={"instruction": "q", "output": "a"})
    assert artifact.manifest.reasons == {"empty answer": 2}
    assert artifact.manifest.counts.rows_out == 3
