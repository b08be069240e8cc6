"""The mixture through a real store: conserved, told, and only the training side changed."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tests.rows import chat
from tuneloom.artifacts import Artifact, Spec, Store
from tuneloom.config import Mixture
from tuneloom.errors import NoUsableData
from tuneloom.mixture.stage import mix
from tuneloom.records import Origin, to_table


def mixed(folder: Path, config: Mixture, seed: int = 0) -> Artifact:
    """12 training rows of source a (task x), 8 of b, 4 test rows of a."""
    made = [("a", "x", "train")] * 12 + [("b", None, "train")] * 8 + [("a", "x", "test")] * 4
    table = to_table(
        (Origin(source, "f", n), chat(f"question {n}", f"answer {n}", task=task, language="en"))
        for n, (source, task, _) in enumerate(made, 1)
    ).append_column("side", pa.array([side for _, _, side in made]))
    store = Store(folder)

    def put(writer):
        writer.add(table)
        writer.count(rows_in=len(table))

    rows = store.ensure(Spec("quality", "test"), put)
    spec = Spec("mixture", "test", seed, config.model_dump(mode="json"), parents=(rows.reference,))
    return store.ensure(
        spec, lambda writer: mix(writer, rows, config, seed, lambda texts: [len(text) for text in texts])
    )


def test_rows_not_chosen_are_rejected_with_the_rule_that_left_them_out(tmp_path: Path) -> None:
    artifact = mixed(tmp_path, Mixture(weights={"a": 0.5, "b": 2}, cap=4))
    counts = artifact.manifest.counts
    assert (counts.rows_in, counts.made, counts.rows_out, counts.rejected) == (24, 0, 12, 12)
    assert artifact.manifest.reasons == {"not selected": 12}
    details = [json.loads(detail) for detail in artifact.rejected()["detail"].to_pylist()]
    assert sorted({(d["rule"], d["bound"], d["version"]) for d in details}) == [
        ("cap", 4, "mixture-2"),
        ("weight", 6, "mixture-2"),
    ]
    assert artifact.stats["not_selected"] == {"weight": 6, "cap": 6, "temperature": 0, "tokens": 0}


def test_test_rows_pass_on_unchanged_and_repeated_rows_are_stored_once(tmp_path: Path) -> None:
    table = mixed(tmp_path, Mixture(weights={"a": 0, "b": 2.5})).table()
    assert str(table.schema.field("repeat").type) == "int32"
    by_side = sorted(zip(table["side"].to_pylist(), table["repeat"].to_pylist(), strict=True))
    assert by_side == [("test", 1)] * 4 + [("train", 2)] * 4 + [("train", 3)] * 4


def test_the_realised_mixture_is_told(tmp_path: Path) -> None:
    artifact = mixed(tmp_path, Mixture(weights={"b": 3, "nobody": 2}))
    told = artifact.stats
    assert (artifact.manifest.counts.made, told["repeated"]) == (0, 16)
    assert told["mixture"]["source"] == [
        {"source": "b", "of": 8, "rows": 8, "used": 24, "share": 0.666667, "characters": 8 * 3 * 21},
        {"source": "a", "of": 12, "rows": 12, "used": 12, "share": 0.333333, "characters": 9 * 19 + 3 * 21},
    ]
    assert told["mixture"]["table"][0] == {
        "source": "b", "task": None, "category": None, "language": "en",
        "of": 8, "rows": 8, "used": 24, "share": 0.666667, "characters": 504,
    }  # fmt: skip
    assert told["weights_without_rows"] == ["nobody"]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    config = Mixture(weights={"a": 0.4}, cap=6)
    files = [mixed(tmp_path / name, config, seed).manifest.files for name, seed in (("1", 1), ("2", 1), ("3", 2))]
    digests = [[file.digest for file in stored] for stored in files]
    assert digests[0] == digests[1] != digests[2]


def test_weights_that_leave_nothing_end_the_run_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(NoUsableData, match="of 20 training rows the mixture chose none"):
        mixed(tmp_path, Mixture(weights={"a": 0, "b": 0}))


def test_tokens_are_counted_where_a_budget_asks_for_them(tmp_path: Path) -> None:
    artifact = mixed(tmp_path, Mixture(tokens={"a": 100}))
    (a,) = (row for row in artifact.stats["mixture"]["source"] if row["source"] == "a")
    assert a["tokens"] == a["characters"] <= 100
    assert a["of"] == 12
    assert artifact.stats["not_selected"]["tokens"] == 12 - a["rows"] > 0
