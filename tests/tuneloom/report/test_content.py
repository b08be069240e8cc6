"""What the report says, read from artifacts."""

import json
from pathlib import Path

import pytest

from tests.tuneloom.release.chain import make_chain
from tuneloom.artifacts import Artifact, Store
from tuneloom.artifacts.keys import Spec
from tuneloom.artifacts.writer import Writer
from tuneloom.report.content import funnel_bars, mixture_bars, read_funnel, read_mixture, read_verdict


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    return make_chain(tmp_path_factory.mktemp("content"), rows=200)


def test_the_verdict_is_a_sentence_with_the_deciding_numbers(chain) -> None:
    released = {"model_name": "smol", "version": 3, "promoted": True, "why_not": None}
    verdict = read_verdict(chain["evaluate"], released)
    assert verdict.headline == "The tuned model beats the base."
    assert (
        verdict.details
        == "Held-out loss: 1.92 before, 1.57 tuned. Registered as smol version 3 and promoted to champion."
    )


def test_a_refusal_says_why(tmp_path: Path) -> None:
    evaluation = make_chain(tmp_path, verdict="refuse")["evaluate"]
    why = "the gate's verdict is refuse. Against the base: loss is worse."
    verdict = read_verdict(evaluation, {"model_name": "smol", "version": 4, "promoted": False, "why_not": why})
    assert verdict.headline == "The tuned model is worse than the base."
    assert verdict.details.endswith(f"Registered as smol version 4, as a candidate only: {why}")


@pytest.mark.parametrize(
    ("failed", "headline"),
    [
        ({"data": "contamination", "gain": "loss"}, "The data may not make a champion: contamination."),
        ({"gain": "loss", "cost": "answer tokens"}, "The tuned model is worse than the base."),
        ({"floor": "mood_en.accuracy"}, "The tuned model misses the floor of mood_en.accuracy."),
        ({"cost": "answer tokens"}, "The tuned model's answers are too long beside those of the base."),
    ],
)
def test_a_refusals_headline_is_what_failed(tmp_path: Path, failed: dict[str, str], headline: str) -> None:
    verdict = {"verdict": "refuse", "baseline": "base", "reason": "", "metrics": {}}
    verdict["conditions"] = [{"kind": "guard", "metric": "chrf", "state": "met"}]
    verdict["conditions"] += [{"kind": kind, "metric": name, "state": "failed"} for kind, name in failed.items()]
    assert read_verdict(evaluated(tmp_path, verdict), None).headline == headline


def test_a_suites_metric_is_not_called_held_out(tmp_path: Path) -> None:
    name = "mood_en.accuracy"
    verdict = {"verdict": "promote", "baseline": "base", "reason": "", "metrics": {name: {"base": 0.5, "tuned": 0.75}}}
    verdict["conditions"] = [{"kind": "gain", "metric": name, "state": "met"}]
    details = read_verdict(evaluated(tmp_path, verdict), None).details
    assert details.startswith("mood_en.accuracy: 0.5 before, 0.75 tuned.")


def evaluated(store: Path, verdict: dict) -> Artifact:
    """An evaluation with this verdict."""

    def write(writer: Writer) -> None:
        writer.file("verdict.json").write_text(json.dumps(verdict), "utf-8")

    return Store(store).ensure(Spec("evaluate", "made"), write)


def test_the_funnel_conserves_rows_from_step_to_step(chain) -> None:
    steps = read_funnel(chain)
    assert " ".join(step.stage for step in steps) == "ingest dedup split decontaminate quality review mixture render"
    assert steps[0].rows_in == 200
    for step in steps:
        assert step.rows_in + step.made == step.kept + step.rejected + step.held
        assert sum(count for _, count in step.reasons) == step.rejected
    assert steps[-1].share == round(steps[-1].kept / 2, 1)
    assert steps[0].reasons == (("no answer", 7), ("unreadable JSON", 3))  # most frequent first


def test_the_mixture_counts_rows_and_repeats_by_source_and_side(chain) -> None:
    mixed = read_mixture(chain["mixture"])
    table = chain["mixture"].table()
    assert sum(row.rows for row in mixed) == len(table)
    assert sum(row.shown for row in mixed) == sum(table["repeat"].to_pylist())
    assert [row.side for row in mixed] == ["train", "train", "test", "test"]
    assert sum(row.share for row in mixed if row.side == "train") == pytest.approx(100, abs=0.2)


def test_a_bar_tells_what_a_stage_kept_and_lost_of_all_rows(chain) -> None:
    bars = funnel_bars(read_funnel(chain))
    assert bars[0].label == "ingest: 190 kept, 10 rejected"
    assert bars[0].parts == ((0.95, "accent"), (0.05, "bad"))
    assert all(sum(share for share, _ in bar.parts) <= 1 for bar in bars)


def test_bars_of_the_mixture_are_the_training_sides(chain) -> None:
    mixed = read_mixture(chain["mixture"])
    assert [bar.parts[0][0] for bar in mixture_bars(mixed)] == [m.share / 100 for m in mixed if m.side == "train"]
