"""The ledger read forwards: each row's life, and where a source's rows went."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import chat
from tests.tuneloom.dedup.builders import Row, ingest, numbered, run
from tests.tuneloom.ingest.built import ingested
from tests.tuneloom.render.build import mixture, rendered, talk
from tests.tuneloom.review.reviewed import reviewed
from tuneloom.artifacts import Artifact, Store, Writer
from tuneloom.config import Review
from tuneloom.records import Conversation, Origin, Reject, content_digest, reject_rows, to_table
from tuneloom.render.shards import read_packs, read_rows
from tuneloom.review.decisions import Decision
from tuneloom.review.pick import Doubt
from tuneloom.trace import ROW_STAGES, find_lives, source_ledger

Found = dict[str, Artifact | None]


def stage(store: Store, name: str, parent: Artifact, lost: Callable[[int], bool], **columns: object) -> Artifact:
    """A stage that rejects the rows whose number `lost` names, as duplicates of row 1, and appends columns."""

    def build(writer: Writer) -> None:
        table = parent.table()
        writer.count(rows_in=len(table))
        gone = pa.array([lost(origin["row"]) for origin in table["origin"].to_pylist()], pa.bool_())
        kept, away = table.filter(pc.invert(gone)), table.filter(gone)
        for column, value in columns.items():
            kept = kept.append_column(column, pa.array([value] * len(kept)))
        writer.add(kept)
        twins = [Origin("web", "a.jsonl", 1)] * len(away)
        writer.reject(reject_rows(away, "near duplicate", [{"similarity": 0.9}] * len(away), twins))

    return run(store, name, parent, build)


def lived(folder: Path, rows: list[Row]) -> Found:
    """Ingest keeps all, dedup loses every third row, split draws a side."""
    store = Store(folder)
    read = ingest(store, [to_table(rows)])
    rare = stage(store, "dedup", read, lambda number: number % 3 == 0)
    return {"ingest": read, "dedup": rare, "split": stage(store, "split", rare, lambda _: False, side="train")}


@pytest.fixture
def rows() -> list[Row]:
    return numbered(chat(f"Question {n}?", f"Answer {n}", language="en", kind="natural") for n in range(1, 10))


def test_a_kept_row_has_a_step_a_stage_with_what_it_got_there(tmp_path: Path, rows: list[Row]) -> None:
    (life,) = find_lives(lived(tmp_path, rows), "Question 2?")
    assert (life.origin, life.id) == (Origin("web", "a.jsonl", 2), content_digest(rows[1][1]))
    assert [(step.stage, step.outcome, step.note) for step in life.steps] == [
        ("ingest", "kept", "language en, kind natural"),
        ("dedup", "kept", ""),
        ("split", "kept", "side train"),
    ]
    assert life.text == "user: Question 2?\nassistant: Answer 2"


def test_a_rejected_row_ends_where_it_was_rejected_and_names_its_twin(tmp_path: Path, rows: list[Row]) -> None:
    (life,) = find_lives(lived(tmp_path, rows), "Answer 3")
    assert [step.outcome for step in life.steps] == ["kept", "rejected"]
    assert life.steps[-1].note == "near duplicate, duplicate of web:a.jsonl:1; similarity 0.9"


def test_a_life_goes_as_far_as_the_stages_that_ran(tmp_path: Path, rows: list[Row]) -> None:
    found = {**lived(tmp_path, rows), "dedup": None}
    assert [step.stage for step in find_lives(found, "Question 2?")[0].steps] == ["ingest"]
    assert find_lives({}, "Question 2?") == []


def test_the_last_step_is_a_place_in_a_shard_with_its_tokens(tmp_path: Path, tiny_model: Path) -> None:
    rows = mixture(tmp_path, [("train", talk("Hi", "Yo")), ("test", talk("Who?", "Me")), ("train", talk("So", "No"))])
    shards = rendered(tmp_path, rows, tiny_model)
    found: Found = {
        **dict.fromkeys(("ingest", "dedup", "split", "decontaminate", "quality", "review", "mixture"), rows),
        "render": shards,
    }
    (life,) = find_lives(found, "No")
    row = read_rows(shards, "train")[1]
    trained = f"{row.supervised} of them trained"
    assert life.steps[-2].note == "repeat 1"
    assert life.steps[-1].note.split(" ", 1)[1] == (
        f"row 1, {len(row.ids)} tokens, {trained}; pack 0 (from token {read_packs(shards)[0].index(1) * len(row.ids)})"
    )
    assert (shards.folder / "shards" / life.steps[-1].note.split()[0]).is_file()
    assert source_ledger(found, "made")[-1] == ("render", 3, 0, 0, {})


def test_a_row_that_was_split_has_a_place_a_part_and_tells_of_the_part_that_was_left_out(
    tmp_path: Path, tiny_model: Path
) -> None:
    long = talk("Hi", "Yo", "Write", "on and on " * 60, "So", "No", "And", "done " * 20)
    rows = mixture(tmp_path, [("train", long)])
    shards = rendered(tmp_path, rows, tiny_model, max_length=96, too_long="split")
    assert (len(read_rows(shards, "train")), shards.manifest.counts.rejected) == (3, 1)
    (life,) = find_lives({**dict.fromkeys(ROW_STAGES, rows), "render": shards}, "done")
    assert life.steps[-1].outcome == "kept"
    assert life.steps[-1].note.count("of them trained") == life.steps[-1].note.count("; pack ") == 3
    assert "a part of it rejected: too long; bound 96" in life.steps[-1].note


def test_what_review_held_and_edited_is_told(tmp_path: Path) -> None:
    rows = [chat(f"Question {n}?", f"Answer {n}") for n in range(3)]
    edit = Decision(content_digest(rows[1]), "r", "edit", "ada", "", "b", new_answer="Other")
    artifact = reviewed(tmp_path, rows, Review(), [edit], [Doubt(content_digest(rows[2]), "near: r", 0.1, 0.2)])
    read = Store(tmp_path).find(artifact.manifest.parents[0])
    found: Found = {**dict.fromkeys(ROW_STAGES[:5], read), "review": artifact}
    last = {n: find_lives(found, f"Question {n}")[0].steps[-1] for n in range(3)}
    assert [(last[n].outcome, last[n].note) for n in range(3)] == [
        ("kept", ""),
        ("kept", "flags ['edited in review']"),
        ("held", "near: r"),
    ]
    source = read.table(["origin"])["origin"][0].as_py()["source"]
    assert source_ledger(found, source)[-1] == ("review", 2, 0, 1, {})


def test_a_row_is_found_by_its_id_or_its_first_8_digits(tmp_path: Path, rows: list[Row]) -> None:
    found, identity = lived(tmp_path, rows), content_digest(rows[4][1])
    for wanted in (identity, identity[:8]):
        assert [life.origin.row for life in find_lives(found, wanted)] == [5]
    assert find_lives(found, identity[:7]) == []


def test_rows_of_one_id_are_all_found_up_to_the_most(tmp_path: Path) -> None:
    found = lived(tmp_path, numbered([chat("Same?", "Same.")] * 8))
    assert len(find_lives(found, "Same")) == 5
    assert len(find_lives(found, content_digest(chat("Same?", "Same.")), most=100)) == 8


@pytest.mark.parametrize("wanted", ['say "no"', "你好", "a\nb"])
def test_what_ingest_rejected_is_found_in_its_bytes_and_its_record(tmp_path: Path, wanted: str) -> None:
    def build(writer: Writer) -> None:
        writer.count(rows_in=2)
        writer.add(to_table([]))
        whole = json.dumps({"a": wanted}, ensure_ascii=False, separators=(",", ":"))
        writer.reject(
            [
                Reject(Origin("s", "f", 1), "not an object", raw=f"x {wanted} x".encode()),
                Reject(Origin("s", "f", 2), "no answer", record=whole),
            ]
        )

    store = Store(tmp_path)
    found: Found = {"ingest": run(store, "ingest", ingest(store, []), build)}
    lives = find_lives(found, wanted)
    assert [(life.origin.row, life.id, life.steps[0].outcome) for life in lives] == [
        (1, None, "rejected"),
        (2, None, "rejected"),
    ]


@settings(max_examples=20, deadline=None)
@given(kept=st.lists(st.sampled_from(["one", "two"]), max_size=12))
def test_a_ledger_counts_every_row_of_its_source_and_no_others(
    tmp_path_factory: pytest.TempPathFactory, kept: list[str]
) -> None:
    rows: list[tuple[Origin, Conversation]] = [
        (Origin(source, "f", number), chat(f"q {number}", "a")) for number, source in enumerate(kept, 1)
    ]
    found = lived(tmp_path_factory.mktemp("ledger"), rows)
    for source in ("one", "two", "three"):
        numbers = [number for number, name in enumerate(kept, 1) if name == source]
        lost = sum(number % 3 == 0 for number in numbers)
        assert source_ledger(found, source) == [
            ("ingest", len(numbers), 0, 0, {}),
            ("dedup", len(numbers) - lost, lost, 0, {"near duplicate": lost} if lost else {}),
            ("split", len(numbers) - lost, 0, 0, {}),
        ]


def test_a_row_rejected_when_it_was_read_tells_field_value_and_evidence_whatever_its_letters(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [
        {"instruction": "蓝色？", "output": "   "},
        {"instruction": "Blue?", "output": "Yes.", "license": "GPL-3.0"},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))  # ASCII alone, as many tools write it
    found: Found = {"ingest": ingested(file, allowed=("MIT",))}
    (life,) = find_lives(found, "蓝色")
    (step,) = life.steps
    assert (step.stage, step.outcome) == ("ingest", "rejected")
    assert step.note.startswith("empty answer; field messages[1].content")
    assert step.note.endswith("; evidence nothing but blanks and end marks")
    (life,) = find_lives(found, "Blue?")
    said = "licence not allowed; bound MIT; field license; rule licenses.allow; value 'GPL-3.0'; version 1"
    assert life.steps[0].note == said


def test_a_duplicate_tells_twin_similarity_and_bound(tmp_path: Path) -> None:
    detail = {"rule": "near duplicate", "similarity": {"prompt": 0.93, "answer": 1.0}, "bound": 0.8}
    read = ingest(Store(tmp_path), [to_table(numbered([chat("One?", "1")]))])

    def build(writer: Writer) -> None:
        writer.add(read.table().slice(0, 0))
        writer.count(rows_in=1)
        writer.reject(reject_rows(read.table(), "near duplicate", [detail], [Origin("faq", "b.json", 7)]))

    (life,) = find_lives({"ingest": read, "dedup": run(Store(tmp_path), "dedup", read, build)}, "One?")
    assert life.steps[-1].note == (
        "near duplicate, duplicate of faq:b.json:7; bound 0.8; rule near duplicate; similarity answer 1.0, prompt 0.93"
    )
