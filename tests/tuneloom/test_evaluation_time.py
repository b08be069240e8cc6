"""A plan's evaluation against the last one: more rows, suites and longer answers take longer."""

import json
from pathlib import Path

import pytest

from tests.flows.projects import make_project
from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.config import Evaluate
from tuneloom.config_file import load_config
from tuneloom.evaluation_time import times_as_long
from tuneloom.plan import Plan, make_plan


def evaluated(store: Store, **suites: int) -> Artifact:
    """What the last evaluation left: 150 losses, 48 answers of 48 tokens, and these suites with so many rows."""
    tree = {"evaluate": Evaluate().model_dump(mode="json")}
    inputs = {"champion": None, "suites": dict.fromkeys(suites, "digest")}

    def build(writer: Writer) -> None:
        sets = {name: {"items": rows} for name, rows in suites.items()}
        writer.file("plan.json").write_text(json.dumps({"sets": sets}))

    return store.ensure(Spec("evaluate", "code", config=tree, inputs=inputs), build)


def planned(folder: Path, **evaluate: object) -> Plan:
    config = make_project(folder, evaluate=evaluate)
    return make_plan(load_config(config, []), config.parent)


def test_the_same_takes_as_long_and_more_takes_longer(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    before = evaluated(store)
    assert times_as_long(planned(tmp_path / "a"), before) == 1.0
    assert times_as_long(planned(tmp_path / "b", generate_rows=0), before) == pytest.approx(1200 / 3504)
    suites = ["mood_en", "to_chinese"]
    assert times_as_long(planned(tmp_path / "c", suites=suites), before) > 1.3
    known = evaluated(store, mood_en=24, to_chinese=20)
    assert times_as_long(planned(tmp_path / "d", suites=suites), known) == pytest.approx(1.0)
    assert times_as_long(planned(tmp_path / "e"), known) < 1
