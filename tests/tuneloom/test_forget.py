"""A takedown: the row's words are gone from all that is stored, whatever interrupts it; taken down is not breached."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from tests.flows.projects import make_project, run_data_stages
from tuneloom.artifacts import Artifact, Reference, Spec, Store, Writer
from tuneloom.config_file import load_config
from tuneloom.errors import ConfigError, TakenDown
from tuneloom.forget import Forgotten, forget
from tuneloom.ingest.discover import SourceFile
from tuneloom.ingest.stage import ingest_file
from tuneloom.plan import Plan, make_plan
from tuneloom.plan.specs import CONTINUED
from tuneloom.release.rows import add_release
from tuneloom.released import read_index, standing_index
from tuneloom.review.decisions import Decision, add_decisions, read_decisions
from tuneloom.review.sheet import SHEETS
from tuneloom.takedown_list import read_list
from tuneloom.takedown_targets import entries_for

WORDS = "Say the number 7 in words"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project").parent


@pytest.fixture
def plan(project: Path) -> Plan:
    return make_plan(load_config(project / "config.yaml"), project)


@pytest.fixture
def made(plan: Plan) -> dict[str, Artifact]:
    """The data stages; a mixture, a model and a release of hollow stages; an index; a memo by content hash."""
    made = run_data_stages(plan)

    def spec(stage: str, *parents: str) -> Spec:
        return Spec(stage, "c", parents=tuple(made[parent].reference for parent in parents))

    made["mixture"] = plan.store.ensure(spec("mixture", "split"), lambda writer: copy(writer, made["split"]))
    made["train"] = plan.store.ensure(spec("train", "mixture"), lambda writer: None)
    page = spec("report", "train")
    made["report"] = plan.store.ensure(page, lambda writer: writer.file("r.html").write_text(WORDS) and None)
    add_release(plan.store, "tuneloom", made["split"], made["mixture"], None)
    rows = made["ingest"].table(["content_hash", "language"])
    plan.store.memo_rows("scores-v1", rows["content_hash"].combine_chunks(), rows.select(["language"]).take)
    return made


def copy(writer: Writer, rows: Artifact) -> None:
    for table in rows.tables():
        writer.count(rows_in=len(table))
        writer.add(table)


def row_id(made: dict[str, Artifact], words: str = WORDS) -> str:
    rows = made["ingest"].table(["id", "messages"]).to_pylist()
    return next(row["id"] for row in rows if row["messages"][0]["content"] == words)


def take_down(plan: Plan, identity: str) -> Forgotten:
    return forget(plan.store, plan.home, plan.folder / "takedowns.txt", {identity: ""}, "asked")


def holding(folder: Path, words: str) -> list[str]:
    """Files below a folder that hold these words, or a hash of the row in a memo."""
    found = []
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            text = str(pq.read_table(path).to_pylist())
        else:
            text = path.read_text("utf-8", "replace") if path.is_file() else ""
        if words in text:
            found.append(path.name)
    return found


def test_nothing_in_the_store_holds_the_words_afterwards_and_all_but_models_is_a_tombstone(plan: Plan, made) -> None:
    identity = row_id(made)
    assert holding(plan.home, WORDS)
    done = take_down(plan, identity)
    assert not holding(plan.home, WORDS)
    assert not list((plan.store.folder / "memo").glob("*/*" + made["ingest"].members[0].reference.key + "*"))
    (memo,) = (plan.store.folder / "memo" / "scores-v1").iterdir()
    assert identity not in pq.read_table(memo)["_hash"].to_pylist()
    assert {one.stage for one in done.artifacts} == {"ingest", "dedup", "split", "mixture", "report"}
    assert plan.store.find(made["train"].reference)
    with pytest.raises(TakenDown):
        list(plan.store.lineage(plan.store.find(made["train"].reference)))
    assert list(plan.store.faults(digests=True)) == []


def test_the_released_index_lists_the_row_no_longer(plan: Plan, made) -> None:
    ids = made["mixture"].table(["id"])["id"]
    take_down(plan, row_id(made))
    known = read_index(plan.store, standing_index(plan.store, "tuneloom").index).sides_of(ids)
    assert [i for i, side in zip(ids.to_pylist(), known, strict=True) if side < 0] == [row_id_of(plan)]


def row_id_of(plan: Plan) -> str:
    return (plan.folder / "takedowns.txt").read_text().strip()


def test_a_run_without_the_list_stops_and_one_with_it_leaves_the_row_out(plan: Plan, made) -> None:
    identity = row_id(made)
    take_down(plan, identity)
    with pytest.raises(TakenDown, match="Name the takedown list in the config"):
        run_data_stages(make_plan(plan.config, plan.folder))
    again = make_plan(load_config(plan.folder / "config.yaml", ["takedowns=takedowns.txt"]), plan.folder)
    rows = run_data_stages(again)["ingest"]
    assert identity not in rows.table(["id"])["id"].to_pylist()
    assert rows.manifest.reasons["taken down"] == 1
    assert not holding(plan.home, WORDS)


def test_twice_is_once(plan: Plan, made) -> None:
    first, second = (take_down(plan, row_id_known) for row_id_known in [row_id(made)] * 2)
    assert (first.listed, second.listed) == (1, 0)
    assert first.artifacts == second.artifacts
    assert row_id_of(plan).count("\n") == 0


SECRET = "Katharina Blum, Bergweg 7"


def with_secret(project: Path) -> Plan:
    """Three files; the second has a row without an answer, which ingest rejects, and an unreadable line."""
    for n in range(3):
        rows = [{"prompt": f"Say {n} {word}", "completion": f"{n} {word}"} for word in ("one", "two", "three")]
        lines = [json.dumps(row) for row in rows]
        if n == 1:
            lines[1:1] = [json.dumps({"prompt": SECRET, "completion": ""}), f'{{"prompt": "{SECRET}']
        (project / f"f{n}.jsonl").write_text("\n".join(lines) + "\n")
    read_as(project, {})
    return make_plan(load_config(project / "config.yaml"), project)


def read_as(project: Path, columns: dict[str, str]) -> None:
    tree = yaml.safe_load((project / "config.yaml").read_text())
    tree["sources"] = [{"name": "rows", "path": "*.jsonl", "columns": columns}]
    (project / "config.yaml").write_text(yaml.safe_dump(tree))


def listed(plan: Plan) -> Plan:
    """The plan with the list that `forget` made."""
    return make_plan(load_config(plan.folder / "config.yaml", ["takedowns=takedowns.txt"]), plan.folder)


def forget_origins(plan: Plan, *origins: str) -> Forgotten:
    takedowns = plan.folder / "takedowns.txt"
    entries = entries_for(plan.store, plan.config.name, origins, read_list(takedowns))
    return forget(plan.store, plan.home, takedowns, entries, "asked")


def test_rows_that_ingest_rejected_go_by_their_origin_and_stay_away(project: Path) -> None:
    plan = with_secret(project)
    run_data_stages(plan)
    assert holding(plan.home, SECRET)
    assert forget_origins(plan, "rows:f1.jsonl:2", "rows:f1.jsonl:3").listed == 2
    assert not holding(plan.home, SECRET)
    again = run_data_stages(listed(plan))["ingest"]
    assert not holding(plan.home, SECRET)
    counts = again.manifest.counts
    assert (counts.rows_in, counts.rows_out, counts.rejected) == (11, 9, 2)
    assert again.manifest.reasons == {"taken down": 2}
    assert forget_origins(plan, "rows:f1.jsonl:2").listed == 0


def test_they_stay_away_where_they_stand_later_and_whatever_they_are_read_as(project: Path) -> None:
    """Once the file has grown at its head, once another column is the answer, so that the row is whole."""
    plan = with_secret(project)
    run_data_stages(plan)
    forget_origins(plan, "rows:f1.jsonl:2", "rows:f1.jsonl:3")
    text = (project / "f1.jsonl").read_text()
    (project / "f1.jsonl").write_text('{"prompt": "Say zero", "completion": "0"}\n' + text)
    for columns in ({}, {"instruction": "prompt", "output": "prompt"}):
        read_as(project, columns)
        made = run_data_stages(listed(plan))["ingest"]
        assert made.manifest.reasons["taken down"] == 2
        assert not holding(plan.home, SECRET)


def test_after_a_takedown_the_files_that_hold_none_of_the_rows_are_not_read_again(project: Path, monkeypatch) -> None:
    plan = with_secret(project)
    made = run_data_stages(plan)
    before = made["ingest"].members
    identity = row_id(made, "Say 1 two")
    forget_origins(plan, "rows:f1.jsonl:2")
    read = list[str]()

    def reading(writer: Writer, file: SourceFile, *rest: object) -> object:
        read.append(file.relative)
        return ingest_file(writer, file, *rest)

    monkeypatch.setattr("tuneloom.ingest.files.ingest_file", reading)
    run_data_stages(listed(plan))
    take_down(plan, identity)
    assert [one.file.relative for one, artifact in listed(plan).ingested() if artifact is None] == ["f1.jsonl"]
    after = run_data_stages(listed(plan))["ingest"].members
    assert read == ["f1.jsonl", "f1.jsonl"]
    assert [one.reference for one in after][::2] == [one.reference for one in before][::2]
    assert after[1].manifest.spec["inputs"]["takedowns"] == sorted(read_list(plan.folder / "takedowns.txt"))
    assert all(artifact for _, artifact in listed(plan).ingested())


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.mark.parametrize("steps", range(7))
def test_one_that_was_killed_after_any_step_is_ended_by_the_next(plan: Plan, made, monkeypatch, steps: int) -> None:
    identity, left = row_id(made), [steps]

    def dying(method):
        def call(self, *arguments):
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return method(self, *arguments)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Store, "take_down", dying(Store.take_down))
        patch.setattr(Store, "forget_hashes", dying(Store.forget_hashes))
        with pytest.raises(Killed):
            take_down(plan, identity)
    done = take_down(plan, identity)
    assert not holding(plan.home, WORDS)
    assert {one.stage for one in done.artifacts} == {"ingest", "dedup", "split", "mixture", "report"}
    assert all(one.takedown for one in plan.store.manifests() if one.reference in done.artifacts)


def test_what_a_run_commits_while_rows_are_taken_down_goes_too(plan: Plan, made, monkeypatch) -> None:
    bury, late = Store.take_down, list[Reference]()

    def beside(store: Store, reference: Reference, *rest: object) -> None:
        """A run that goes on makes a render of the mixture and reads a file anew while the first artifact is buried."""
        if not late:
            mixture, spec = made["mixture"], Spec("render", "c", parents=(made["mixture"].reference,))
            late.append(store.ensure(spec, lambda writer: writer.file("a.txt").write_text(WORDS) and None).reference)
            late.append(store.ensure(Spec("ingest", "late"), lambda writer: copy(writer, mixture)).reference)
        bury(store, reference, *rest)

    monkeypatch.setattr(Store, "take_down", beside)
    done = take_down(plan, row_id(made))
    assert set(late) <= set(done.artifacts)
    assert not holding(plan.home, WORDS)


def test_what_a_killed_try_left_goes_too(plan: Plan) -> None:
    made = run_data_stages(plan)
    work, locks = plan.store.folder / ".work" / "quality-0123-abcdefgh", plan.store.folder / ".locks"
    work.mkdir()
    (work / "part.jsonl").write_text(WORDS)
    (locks / "quality-0123.lock").touch()
    take_down(plan, row_id(made))
    assert not holding(plan.home, WORDS)


def test_reviewers_words_and_their_sheets_go_too(plan: Plan, made) -> None:
    identity, others = row_id(made), row_id(made, "Say the number 8 in words")
    decisions = plan.folder / "decisions.jsonl"
    add_decisions(
        decisions, [Decision(one, "sample", "edit", "a", "", "b", new_request=WORDS) for one in (identity, others)]
    )
    spec = Spec("review", "c", parents=(made["split"].reference,))
    held = plan.store.ensure(spec, lambda writer: None)
    sheet = plan.home / SHEETS / f"{held.reference.key}.csv"
    sheet.parent.mkdir()
    sheet.write_text(WORDS)
    forget(plan.store, plan.home, plan.folder / "takedowns.txt", {identity: ""}, "asked", decisions)
    assert [one.id for one in read_decisions(decisions)] == [others]
    assert not holding(plan.home, WORDS)


def test_an_id_that_nobody_has_changes_nothing(plan: Plan, made) -> None:
    with pytest.raises(ConfigError, match=f"no row has the id {'0' * 32}; nothing was changed"):
        forget(
            plan.store, plan.home, plan.folder / "takedowns.txt", dict.fromkeys([row_id(made), "0" * 32], ""), "asked"
        )
    assert not (plan.folder / "takedowns.txt").exists()
    assert plan.store.find(made["dedup"].reference)


def test_what_other_files_made_stays(plan: Plan, made) -> None:
    other = plan.store.ensure(Spec("dedup", "other"), lambda writer: None)
    take_down(plan, row_id(made))
    assert plan.store.find(other.reference)


def test_models_that_saw_the_row_are_listed_and_whether_they_used_it(plan: Plan, made, monkeypatch) -> None:
    """Also by a second call, when the rows are gone, and those that went on from such a model."""

    class Version:
        def __init__(self, version: str, **tags: Reference) -> None:
            self.name, self.version, self.aliases = "m", version, ["champion"] if version == "1" else []
            self.tags = {f"tuneloom.{stage}": key for stage, key in tags.items()}

    split, mixture = made["split"].reference, made["mixture"].reference
    rejecting = plan.store.ensure(Spec("mixture", "none", parents=(split,)), lambda writer: None)
    clean = plan.store.ensure(Spec("mixture", "clean"), lambda writer: None).reference
    went_on = Spec("train", "went on", inputs={CONTINUED: made["train"].reference.key}, parents=(clean,))
    later = plan.store.ensure(went_on, lambda writer: None).reference
    versions = [
        Version("1", split=split.key, mixture=mixture.key),
        Version("2", split=split.key, mixture=rejecting.reference.key),
        Version("3", split="another"),
        Version("4", mixture=clean.key, train=later.key),
    ]
    calls = {
        "search_model_versions": lambda self, **_: versions,
        "get_model_version": lambda self, name, version: versions[int(version) - 1],
    }
    client = type("Client", (), calls)()
    monkeypatch.setattr("tuneloom.forget.exists", lambda home: True)
    monkeypatch.setattr("tuneloom.forget.connect", lambda home: client)
    identity = row_id(made)
    for _ in range(2):
        listed = [(one.version, one.aliases, one.used) for one in take_down(plan, identity).models]
        assert listed == [(1, ("champion",), True), (2, (), False), (4, (), True)]
