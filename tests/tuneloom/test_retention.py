"""What nobody refers to goes, whatever anybody refers to stays with all it was made from."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.flows.projects import ROWS, make_project, run_data_stages
from tuneloom import retention
from tuneloom.approvals import ask
from tuneloom.artifacts import Artifact, Reference, Spec, Store
from tuneloom.config_file import load_config
from tuneloom.plan import make_plan
from tuneloom.release.rows import add_release
from tuneloom.release.unused import UnusedModels
from tuneloom.retention import Waste, clear, closure, look
from tuneloom.review.sheet import SHEETS
from tuneloom.runs import FrozenChampion, all_runs, write_run


class Project:
    """Runs of the data stages over a source that grows by a row a run, each with its record."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / ".tuneloom"
        self.config = make_project(folder)
        self.store = Store(self.home / "store")
        self.runs: list[dict[str, Artifact]] = []

    def run(self, record: bool = True) -> dict[str, Artifact]:
        extra = {"instruction": f"Name colour {len(self.runs)}", "input": "", "output": f"shade {len(self.runs)}"}
        (self.folder / "rows.json").write_text(json.dumps([*ROWS, extra]))
        plan = make_plan(load_config(self.config), self.folder)
        made = run_data_stages(plan)
        rows = made["ingest"].table(["content_hash", "language"])
        plan.store.memo_rows("scores-v1", rows["content_hash"].combine_chunks(), rows.select(["language"]).take)
        if record:
            write_run(self.store, replace(plan.record, stages={s: a.reference.key for s, a in made.items()}))
        self.runs.append(made)
        return made

    def look(self, keep: int = 1) -> Waste:
        return look(self.store, self.home, keep)

    def clear(self, keep: int = 1) -> Waste:
        waste = self.look(keep)
        clear(self.store, self.home, waste)
        return waste


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def names(artifacts: dict[str, Artifact]) -> set[Reference]:
    members = {member.reference for artifact in artifacts.values() for member in artifact.members}
    return {artifact.reference for artifact in artifacts.values()} | members


def going(waste: Waste) -> set[Reference]:
    return {manifest.reference for manifest in waste.artifacts}


def test_the_last_runs_stay_and_earlier_ones_go_with_their_records_and_memos(project: Project) -> None:
    first, second, third = project.run(), project.run(), project.run()
    waste = project.clear(keep=2)
    assert going(waste) == names(first) - names(second) - names(third)
    assert len(waste.runs) == 1
    assert len(list(all_runs(project.store))) == 2
    left = {manifest.reference for manifest in project.store.manifests()}
    assert left == names(second) | names(third)
    gone = first["ingest"].members[0].reference.key
    assert not list((project.store.folder / "memo").glob(f"*/{gone}*"))
    kept = {h for run in (second, third) for h in run["ingest"].table(["content_hash"])["content_hash"].to_pylist()}
    memos = [*(project.store.folder / "memo" / "scores-v1").glob("rows-*")]
    assert {one for memo in memos for one in pq.read_table(memo)["_hash"].to_pylist()} == kept
    assert list(project.store.faults(digests=True)) == []


def test_looking_changes_nothing_and_a_second_call_finds_nothing(project: Project) -> None:
    project.run()
    project.run()
    before = sorted(project.home.rglob("*"))
    assert project.look()
    assert sorted(project.home.rglob("*")) == before
    project.clear()
    assert not project.look()


def test_what_stays_can_be_run_again_without_making_anything(project: Project) -> None:
    project.run()
    project.run()
    project.clear()
    again = run_data_stages(make_plan(load_config(project.config), project.folder))
    assert all(artifact.reused for artifact in again.values())


def test_what_anybody_refers_to_stays(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    by_version, by_index, by_approval, by_sheet, by_champion, by_nobody = (project.run() for _ in range(6))
    project.run()
    train = project.store.ensure(Spec("train", "c", parents=(by_champion["split"].reference,)), lambda writer: None)
    (last, *_) = all_runs(project.store)
    write_run(project.store, replace(last, champion=FrozenChampion("m", 1, train.reference.key, "models:/m/1")))
    tags = {"tuneloom.split": by_version["split"].reference.key, "tuneloom.release": "r"}
    monkeypatch.setattr(retention, "unused_models", lambda *_: UnusedModels(kept_tags=(tags,)))
    add_release(project.store, "tuneloom", by_index["split"], by_index["split"], None)
    ask(project.store, by_approval["dedup"].reference, "a run", ["too many"])
    (project.home / SHEETS).mkdir()
    review = project.store.ensure(Spec("review", "c", parents=(by_sheet["split"].reference,)), lambda writer: None)
    (project.home / SHEETS / f"{review.reference.key}.csv").write_text("")
    waste = project.clear()
    kept = names(by_version) | names(by_index) | names(by_sheet) | names(by_champion) | {review.reference}
    kept |= {by_approval["dedup"].reference} | names({"ingest": by_approval["ingest"]})
    assert not going(waste) & kept
    assert names(by_nobody) <= going(waste) | kept
    assert by_nobody["split"].reference in going(waste)
    assert by_approval["split"].reference in going(waste)
    assert project.store.find(train.reference)


def test_a_tombstone_stays(project: Project) -> None:
    old = project.run()
    project.run()
    project.store.take_down(old["split"].reference, ["0" * 32], "asked")
    assert old["split"].reference not in going(project.clear())
    assert any(manifest.takedown for manifest in project.store.manifests())


@pytest.mark.parametrize(("hours", "stays"), [(1, True), (-3, True), (30, False)])
def test_what_no_record_names_stays_for_a_day_and_after_the_clock_was_set_back(
    project: Project, hours: float, stays: bool
) -> None:
    made = project.run(record=False)
    project.run()
    for reference in names(made):
        manifest = project.store.folder / str(reference) / "manifest.json"
        os.utime(manifest, (when := time.time() - hours * 3600, when))
    assert (made["split"].reference not in going(project.look())) == stays


def test_what_another_version_wrote_is_left_alone(project: Project) -> None:
    old = project.run()
    project.run()
    manifest = project.store.folder / str(old["split"].reference) / "manifest.json"
    tree = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**tree, "schema_version": 99}))
    project.clear()
    assert manifest.is_file()


def test_killed_half_way_the_next_call_ends_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run()
    project.run()
    waste, removed = project.look(), []

    def remove(self: Store, reference: Reference, why: str) -> None:
        if len(removed) == 2:
            raise KeyboardInterrupt
        removed.append(reference)
        real(self, reference, why)

    real = Store.remove
    with monkeypatch.context() as patch:
        patch.setattr(Store, "remove", remove)
        with pytest.raises(KeyboardInterrupt):
            clear(project.store, project.home, waste)
    assert len(list(all_runs(project.store))) == 2
    assert going(project.clear()) == going(waste) - set(removed)
    assert len(list(all_runs(project.store))) == 1


def test_sizes_level_off_over_many_runs(project: Project) -> None:
    sizes = []
    for _ in range(8):
        project.run()
        project.clear(keep=2)
        sizes.append(sum(path.stat().st_size for path in project.store.folder.rglob("*") if path.is_file()))
    assert max(sizes[3:]) < 1.1 * sizes[2]


class _Node:
    """As much of a manifest as a closure looks at."""

    def __init__(self, parents: list[int]) -> None:
        self.parents, self.members = [_ref(parent) for parent in parents], ()


def _ref(number: int) -> Reference:
    return Reference("s", str(number))


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=10), st.sets(st.integers(0, 12)))
def test_a_closure_has_every_parent_of_its_own_and_nothing_that_no_root_reaches(
    links: list[list[int]], roots: set[int]
) -> None:
    nodes = {_ref(number): _Node(parents) for number, parents in enumerate(links)}
    found = closure(nodes, {_ref(root) for root in roots})
    assert found >= {_ref(root) for root in roots} & nodes.keys()
    for reference in found:
        assert set(nodes[reference].parents) & nodes.keys() <= found
    for reference in found - {_ref(root) for root in roots}:
        assert any(reference in nodes[other].parents for other in found)
