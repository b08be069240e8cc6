"""The task of the mixture."""

from tests.tasks.conftest import Ended


def test_the_configs_weights_say_how_often_a_sources_rows_are_used(ended: Ended) -> None:
    rows = ended.artifact("mixture").table(["origin", "side", "repeat"]).to_pylist()
    assert {row["repeat"] for row in rows if row["side"] == "train" and row["origin"]["source"] == "rows"} == {1}
    twins = [row for row in rows if row["origin"]["source"] == "twins"]
    assert {row["repeat"] for row in twins} <= {3 if row["side"] == "train" else 1 for row in twins}
    assert ended.artifact("mixture").manifest.counts.rows_in == ended.artifact("quality").manifest.counts.rows_out
