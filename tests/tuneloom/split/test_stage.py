"""The stage: every row gets a side, none is lost, and order and partition change nothing."""

import random
from pathlib import Path

import pytest

from tests.tuneloom.dedup.builders import Row, ingest_rows, numbered, run, said
from tests.tuneloom.dedup.sources import t0
from tuneloom.artifacts import Artifact, Store
from tuneloom.config import Split
from tuneloom.errors import ConfigError
from tuneloom.records import Origin
from tuneloom.split.stage import split


def splitted(store: Store, *files: list[Row], seed: int = 0, **config: object) -> Artifact:
    rows, section = ingest_rows(store, *files), Split(**config)
    inputs = {"seed": seed, "config": section.model_dump(mode="json")}
    return run(store, "split", rows, lambda writer: split(writer, rows, section, seed), inputs)


def sides(artifact: Artifact) -> dict[tuple, str]:
    rows = artifact.table(["origin", "side"]).to_pylist()
    return {tuple(row["origin"].values()): row["side"] for row in rows}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_every_row_gets_a_side(store: Store):
    made = splitted(
        store, numbered([said(f"q{n}", "a", task=f"t{n % 3}") for n in range(400)]), validation=0.1, test=0.2
    )
    assert made.manifest.counts.rows_in == made.manifest.counts.rows_out == 400
    assert set(sides(made).values()) == {"train", "validation", "test"}
    assert sum(made.stats["rows"].values()) == 400
    assert made.stats["rows"] == {side: sum(tasks.values()) for side, tasks in made.stats["tasks"].items()}
    assert made.stats["groups"] == 400


def test_rows_for_evaluation_leave_as_suite_rows(store: Store):
    rows = [said("same", "a", use=use) for use in ("train", "evaluate", "decontaminate")] + [
        said("b", "c"),
        said("d", "e"),
    ]
    found = sides(splitted(store, numbered(rows)))
    assert [found["web", "a.jsonl", row, 0] == "suite" for row in (1, 2, 3, 4)] == [False, True, True, False]


def test_t15_one_prompt_never_straddles(store: Store):
    found = sides(splitted(store, numbered([said(f"q {n % 50}!", f"a{n}") for n in range(500)]), test=0.3))
    for prompt in range(50):
        assert len({found["web", "a.jsonl", 1 + prompt + 50 * n, 0] for n in range(10)}) == 1


def test_held_out_tasks_go_to_the_test_side_with_what_shares_their_prompts(store: Store):
    rows = [said(f"q{n}", "a", task="held") for n in range(30)] + [
        said(f"q{n}", "b", task="near") for n in range(25, 40)
    ]
    made = splitted(store, numbered(rows), held_out_tasks=("held",), test=0, validation=0)
    found = sides(made)
    assert [side for _, side in sorted(found.items())] == ["test"] * 35 + ["train"] * 10
    assert made.stats["follow_held_out"] == 5


def test_an_unknown_held_out_task_is_an_error_that_names_the_nearest(store: Store):
    with pytest.raises(ConfigError, match=r"'sumarise'.*'summarise'"):
        splitted(store, numbered([said("q", "a", task="summarise")]), held_out_tasks=("sumarise",))
    with pytest.raises(ConfigError, match="names no tasks"):
        splitted(store, numbered([said("q", "a")]), held_out_tasks=("x",))


def test_t13_neither_order_nor_partition_changes_a_byte(store: Store):
    rows = [(Origin("web", f"f{n % 3}", n), said(f"q{n % 150}", f"a{n}")) for n in range(300)]
    whole = splitted(store, rows)
    random.Random(1).shuffle(rows)
    cut = splitted(store, rows[:10], rows[10:])
    assert [file.digest for file in whole.manifest.files] == [file.digest for file in cut.manifest.files]


def test_no_rows(store: Store):
    made = splitted(store, [])
    assert made.table().schema.names[-1] == "side"
    assert made.stats["rows"] == {}


def test_t15_real_rows_of_one_prompt_share_a_side(store: Store, realdata: Path):
    rows = t0(realdata, files=40)
    found = splitted(store, numbered(rows), test=0.3)
    by_prompt: dict[str, set[str]] = {}
    for row in found.table(["messages", "side"]).to_pylist():
        by_prompt.setdefault(row["messages"][0]["content"], set()).add(row["side"])
    assert len(rows) > len(by_prompt) > 1000
    assert all(len(found) == 1 for found in by_prompt.values())
