"""What leaves the store comes back as it was: rows with their ids, rejects to be mended and ingested again."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from tests.tuneloom.ingest.built import ingested, rejects, rows, turns, write_jsonl
from tuneloom.artifacts import Artifact, Spec, Store
from tuneloom.config import Source
from tuneloom.errors import ConfigError, NoUsableData
from tuneloom.export import ExportedRejects, export_rejects, export_rows, reasons_path, row_object
from tuneloom.ingest.block import Terms
from tuneloom.ingest.checks import settle
from tuneloom.ingest.discover import discover
from tuneloom.ingest.row import Rejected
from tuneloom.ingest.stage import ingest_file
from tuneloom.records import Conversation, Example, Message, Origin, Reject, reject_rows, to_table

WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20).filter(str.strip)
JSON_TEXTS = st.one_of(
    WORDS,
    st.recursive(
        st.none() | st.integers() | st.floats(allow_nan=True) | WORDS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
        max_leaves=6,
    ).map(lambda value: json.dumps([value])),
    st.just('[{"name": "f",  "arguments": "{\\"a\\": 1}"}]'),
    st.just('{"a": 1, "a": 2}'),
    st.just('["\\ud800"]'),
)


def is_json(text: str) -> bool:
    """JSON, and not the empty list, which ingestion reads as no call at all."""
    if text.strip() == "[]":
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


ANSWERS = st.builds(
    Message,
    st.just("assistant"),
    WORDS,
    st.none() | WORDS,
    st.none() | WORDS,
    st.none() | JSON_TEXTS.filter(is_json),
    weight=st.sampled_from([0, 1]),
)
ASKED = st.builds(Message, st.just("user"), WORDS, st.none() | WORDS)
TOOL = st.builds(Message, st.just("tool"), WORDS, tool_call_id=st.none() | WORDS)
DIALOGUES = st.builds(
    lambda system, exchanges, last: (*system, *(m for pair in exchanges for m in pair), *last),
    st.lists(st.builds(Message, st.just("system"), WORDS), max_size=1),
    st.lists(st.tuples(ASKED, ANSWERS, TOOL, ANSWERS) | st.tuples(ASKED, ANSWERS), max_size=2),
    st.tuples(ASKED, ANSWERS.map(lambda answer: Message("assistant", answer.content, answer.name))),
)
ROWS = st.builds(
    Conversation,
    DIALOGUES,
    fields=st.dictionaries(st.sampled_from(["instruction", "input", "context", "definition"]), WORDS),
    examples=st.lists(st.builds(Example, WORDS, WORDS, st.booleans()), max_size=2).map(tuple),
    tools=st.none() | JSON_TEXTS.filter(lambda text: text not in ("", "[]")),
    references=st.lists(WORDS, max_size=3).map(tuple),
    choices=st.lists(WORDS, max_size=3).map(tuple),
    task=st.none() | WORDS.map(str.strip),
    category=st.none() | WORDS.map(str.strip),
    language=st.sampled_from(["en", "zh", "tlh"]),
    kind=st.sampled_from(["natural", "code", "mixed"]),
    license=st.none() | st.just("MIT"),
    synthetic=st.booleans(),
    meta=st.dictionaries(WORDS.filter(lambda name: name != "exported"), st.none() | st.integers() | WORDS, max_size=2),
)
SAME = ("id", "messages", "fields", "examples", "tools", "references", "choices", "task", "category", "language",
        "kind", "license", "synthetic")  # fmt: skip


def stored(folder: Path, conversations: list[Conversation], key: str) -> Artifact:
    """The conversations as an artifact of ingest."""

    def build(writer) -> None:
        writer.add(to_table((Origin("s", "f", n), one) for n, one in enumerate(conversations, 1)))
        writer.count(rows_in=len(conversations))

    return Store(folder).ensure(Spec("ingest", key), build)


@pytest.mark.parametrize("to", ["jsonl", "parquet"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(found=st.lists(ROWS, min_size=1, max_size=3))
def test_every_row_comes_back_with_its_id_and_all_it_says(
    tmp_path_factory: pytest.TempPathFactory, to: str, found: list[Conversation]
) -> None:
    folder = tmp_path_factory.mktemp("round")
    try:
        settled = [settle(one) for one in found]
    except Rejected:
        reject()
    before = stored(folder / "before", settled, "code")
    assert [one.rows for one in export_rows(before, to, folder / f"rows.{to}")] == [len(found)]
    after = ingested(folder / f"rows.{to}", store=folder / "after")
    assert after.stats["format"] == "conversation"
    old, new = ({json.dumps(row["id"]): row for row in artifact.table().to_pylist()} for artifact in (before, after))
    assert old.keys() == new.keys()
    for identity, row in old.items():
        assert {name: new[identity][name] for name in SAME} == {name: row[name] for name in SAME}
        meta = json.loads(new[identity]["meta"])
        assert meta.pop("exported")["id"] == row["id"]
        assert meta == json.loads(row["meta"])


def test_a_row_reads_as_other_programs_expect_it() -> None:
    call = '[{"function": {"name": "f", "arguments": "{}"}}]'
    said = (Message("user", "Hi"), Message("assistant", "", tool_calls=call, weight=0), Message("assistant", "Hello"))
    (row,) = to_table([(Origin("s", "f", 1), Conversation(said, tools='[ {"a":1}]', meta={"a": 1}))]).to_pylist()
    assert row_object(row) == {
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "", "tool_calls": json.loads(call), "weight": 0},
            {"role": "assistant", "content": "Hello"},
        ],
        "tools": '[ {"a":1}]',  # as a list it would come back with other spaces, and another id
        "meta": {"a": 1},
        "id": row["id"],
        "origin": {"source": "s", "file": "f", "row": 1, "part": 0},
    }
    assert next(iter(row_object(row))) == "messages"


def counts(exported: list[ExportedRejects]) -> list[tuple[int, int]]:
    """(rows, rejects) a file."""
    return [(one.rows, one.rejects) for one in exported]


BROKEN = b"""{"instruction": "Add 1 and 2.", "output": "3"}
{"instruction": "Add 2 and 2.", "output": "4"
{"instruction": "Add 3 and 2.", "output": ""}
[1, 2]
{"instruction": "Name a colour.", "output": ["Green"]}
"""


def mended(path: Path, *changes: tuple[str, str]) -> Path:
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return path


def test_broken_rows_are_exported_mended_and_all_kept(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(BROKEN)
    first = ingested(tmp_path / "rows.jsonl")
    assert (len(rows(first)), len(rejects(first))) == (1, 4)
    out = tmp_path / "bad.jsonl"
    assert counts(export_rejects(first, "jsonl", out)) == [(4, 4)]
    table = list(csv.DictReader(reasons_path(out).open(encoding="utf-8")))
    lines = out.read_text("utf-8").splitlines()
    told = {row["reason"]: (row["origin"], lines[int(row["line"]) - 1]) for row in table}
    assert told["unreadable row"] == ("s:rows.jsonl:2", BROKEN.splitlines()[1].decode())
    assert told["empty answer"][0] == "s:rows.jsonl:3"
    assert json.loads(told["empty answer"][1]) == json.loads(BROKEN.splitlines()[2])
    mended(
        out,
        ('"4"', '"4"}'),
        ('"output": ""', '"output": "5"'),
        ("[1, 2]", '{"instruction": "Say 7.", "output": "7"}'),
        ('["Green"]', '"Green"'),
    )
    second = ingested(out)
    assert rejects(second) == []
    assert sorted(turns(row)[-1][1] for row in rows(second)) == ["4", "5", "7", "Green"]


def test_a_row_of_a_table_is_exported_with_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text('instruction,output\nAdd 1 and 1.,2\n"Add 2, and 2.",\nName it\n')
    first = ingested(file)
    out = tmp_path / "bad.jsonl"
    assert counts(export_rejects(first, "jsonl", out)) == [(2, 2)]
    assert '{"instruction": "Add 2, and 2.", "output": ""}' in out.read_text().splitlines()
    assert "Name it" in out.read_text().splitlines()
    mended(out, ('"output": ""', '"output": "4"'), ("Name it", '{"instruction": "Name it", "output": "Ada"}'))
    assert [turns(row)[-1][1] for row in rows(ingested(out))] == ["4", "Ada"]


def test_each_broken_instance_of_a_source_row_stands_there_alone_and_keeps_its_task(tmp_path: Path) -> None:
    task = {
        "Definition": ["Name the capital."],
        "Instances": [{"input": "France", "output": ["Paris"]}, {"input": "Italy", "output": []}, 7],
    }
    file = tmp_path / "task1_capital.json"
    file.write_text(json.dumps(task, indent=1))
    out = tmp_path / "bad.jsonl"
    assert counts(export_rejects(ingested(file), "jsonl", out)) == [(2, 2)]
    written = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(str(row["Instances"]) for row in written) == ["[7]", "[{'input': 'Italy', 'output': []}]"]
    assert {row["task"] for row in written} == {"task1_capital"}
    assert sorted(row["line"] for row in csv.DictReader(reasons_path(out).open())) == ["1", "2"]
    mended(out, ('"output": []', '"output": ["Rome"]'), ("[7]", '[{"input": "Peru", "output": ["Lima"]}]'))
    found = {(row["task"], turns(row)[-1][1]) for row in rows(ingested(out))}
    assert found == {("task1_capital", "Rome"), ("task1_capital", "Lima")}


def test_rejects_of_a_later_stage_are_rows_again_and_reasons_are_masked(tmp_path: Path) -> None:
    said = Conversation((Message("user", "Who?"), Message("assistant", "jane.doe@example.com")), fields={"a": "b"})
    table = to_table([(Origin("s", "f", 1), said)])

    def build(writer) -> None:
        writer.add(table.slice(0, 0))
        writer.reject(reject_rows(table, "personal data", [{"evidence": "jane.doe@example.com"}]))
        writer.count(rows_in=1)

    out = tmp_path / "bad.jsonl"
    assert counts(export_rejects(Store(tmp_path / "store").ensure(Spec("quality", "code"), build), "jsonl", out)) == [
        (1, 1)
    ]
    assert "jane.doe@example.com" in out.read_text()
    assert "jane.doe@example.com" not in reasons_path(out).read_text()
    (back,) = rows(ingested(out))
    assert (back["id"], back["fields"]) == (table["id"][0].as_py(), [("a", "b"), ("answer", "jane.doe@example.com")])


def test_rejects_of_one_reason_alone_and_one_that_nobody_has(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(BROKEN)
    artifact = ingested(tmp_path / "rows.jsonl")
    assert counts(export_rejects(artifact, "jsonl", tmp_path / "one.jsonl", "empty answer")) == [(1, 1)]
    assert counts(export_rejects(artifact, "parquet", tmp_path / "one.parquet", "empty answer")) == [(1, 1)]
    assert pq.read_table(tmp_path / "one.parquet")["reason"].to_pylist() == ["empty answer"]
    with pytest.raises(ConfigError, match="nothing like it") as caught:
        export_rejects(artifact, "jsonl", tmp_path / "none.jsonl", "nothing like it")
    assert "empty answer (1)" in caught.value.remedy
    assert not (tmp_path / "none.jsonl").exists()


def test_a_reject_without_words_is_listed_and_has_no_line(tmp_path: Path) -> None:
    def build(writer) -> None:
        writer.reject([Reject(Origin("s", "f", 0), "unreadable file"), Reject(Origin("s", "f", 1), "x", raw=b"{\xff")])
        writer.count(rows_in=2)

    out = tmp_path / "bad.jsonl"
    assert counts(export_rejects(Store(tmp_path / "store").ensure(Spec("ingest", "code"), build), "jsonl", out)) == [
        (1, 2)
    ]
    assert out.read_bytes() == b"{\xff\n"
    assert {row["reason"]: row["line"] for row in csv.DictReader(reasons_path(out).open())} == {
        "unreadable file": "", "x": "1"
    }  # fmt: skip


def test_nothing_is_overwritten_and_nothing_half_written_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = ingested(write_jsonl(tmp_path / "rows.jsonl", [{"instruction": "a", "output": "b"}]))
    (tmp_path / "out.jsonl").write_text("mine")
    with pytest.raises(ConfigError, match=r"out\.jsonl is there already"):
        export_rows(artifact, "jsonl", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == "mine"
    with pytest.raises(NoUsableData, match="no rejected rows"):
        export_rejects(artifact, "jsonl", tmp_path / "bad.jsonl")
    monkeypatch.setattr("tuneloom.export.row_object", lambda row: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        export_rows(artifact, "jsonl", tmp_path / "other.jsonl")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".store", "out.jsonl", "rows.jsonl"]


def test_parquet_has_the_stores_schema_but_for_maps(tmp_path: Path) -> None:
    artifact = ingested(write_jsonl(tmp_path / "rows.jsonl", [{"instruction": "a", "output": "b"}]))
    assert [one.rows for one in export_rows(artifact, "parquet", tmp_path / "rows.parquet")] == [1]
    written, stored = pq.read_table(tmp_path / "rows.parquet"), pa.concat_tables(artifact.tables())
    assert written["fields"].to_pylist() == ['{"answer":"b","instruction":"a"}']
    assert written.drop_columns("fields").equals(stored.drop_columns("fields"))


def test_rejects_of_several_sources_and_formats_go_to_a_file_each_and_all_come_home(tmp_path: Path) -> None:
    broken = {
        "a.jsonl": [{"instruction": "Add.", "output": ""}, {"instruction": "Add 1.", "output": "2"}],
        "b.jsonl": [{"question": "Who?", "answer": ""}],
        "c.jsonl": [{"instruction": "Say.", "output": ""}],
    }
    store = Store(tmp_path / "store")
    members = []
    for name, values in broken.items():
        source = Source(name="one" if name < "c" else "two", path=str(write_jsonl(tmp_path / name, values)))
        (file,) = discover(source, tmp_path)
        spec = Spec("ingest", "code", inputs={"source": source.name, "file": name})
        members.append(store.ensure(spec, lambda writer, f=file, s=source: ingest_file(writer, f, s, Terms())))
    united = store.ensure(
        Spec("ingest", "code", parents=tuple(m.reference for m in members)),
        lambda writer: writer.union((m.reference, m.manifest.counts, dict(m.manifest.reasons)) for m in members),
    )
    files = export_rejects(united, "jsonl", tmp_path / "bad.jsonl")
    assert [(one.path.name, one.rows, one.rejects) for one in files] == [
        ("bad-one-alpaca.jsonl", 1, 1), ("bad-one-question_answer.jsonl", 1, 1), ("bad-two.jsonl", 1, 1)
    ]  # fmt: skip
    for one in files:
        assert reasons_path(one.path).is_file()
        mended(one.path, ('""', '"mended"'))
        assert [turns(row)[-1][1] for row in rows(ingested(one.path, store=tmp_path / "again"))] == ["mended"]
    with pytest.raises(ConfigError, match=r"bad-one-alpaca\.jsonl is there already"):
        export_rejects(united, "jsonl", tmp_path / "bad.jsonl")
