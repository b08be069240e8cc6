"""The validation side is looked at as often as it pays, decides when training ends and what it ends with."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.token_rows import one_row_packs, token_rows
from tuneloom.config import Train
from tuneloom.models.likelihood import row_losses
from tuneloom.models.load import load_model
from tuneloom.train.adapters import attach
from tuneloom.train.batches import Step
from tuneloom.train.reports import TrainReport, ValidationReport
from tuneloom.train.trainer import train
from tuneloom.train.validation import LEAST_TOKENS, SHARE, Selection, Validation, measure, plan_validation

SETTINGS = Train(rank=4, tokens_per_step=40, learning_rate=0.02, epochs=4)
ROWS = token_rows((9, 14, 6, 11), seed=7)
TASKS = {"row-0": "short", "row-1": "long", "row-2": "short", "row-3": "long"}


def trained(folder: Path, validation: Validation | None, **settings: Any) -> tuple[Any, TrainReport]:
    chosen = SETTINGS.model_copy(update=settings)
    model = attach(load_model(folder), chosen, 0)
    plan = one_row_packs(token_rows(), chosen, 0)
    return model, train(model, token_rows(), plan, chosen, 0, validation=validation)


def look(step: int, loss: float, **tasks: float) -> ValidationReport:
    return ValidationReport(step, loss, tasks or {"one": loss}, 10, 0.0)


def steps(count: int, tokens: int) -> list[Step]:
    return [Step((0,), tokens, tokens)] * count


def test_a_look_is_the_mean_loss_of_the_rows_alone_overall_and_by_task(tiny_model: Path) -> None:
    model = attach(load_model(tiny_model), SETTINGS, 0)
    model.train()
    found = measure(model, Validation(ROWS, list(TASKS.values()), 1), 3, 20, "float32")
    assert model.training
    alone = [row_losses(load_model(tiny_model), [row])[0] for row in ROWS]
    assert found.supervised_tokens == sum(one.tokens for one in alone)
    assert found.loss == pytest.approx(sum(one.sum for one in alone) / found.supervised_tokens, rel=1e-5)
    short = [alone[0], alone[2]]
    assert found.tasks["short"] == pytest.approx(sum(s.sum for s in short) / sum(s.tokens for s in short), rel=1e-5)
    assert list(found.tasks) == ["long", "short"]


def test_looking_changes_nothing_of_the_training(tiny_model: Path) -> None:
    calm = trained(tiny_model, None, dropout=0.2)[1]
    looked = trained(tiny_model, Validation(ROWS, list(TASKS.values()), 1), dropout=0.2)[1]
    assert [step.loss for step in looked.steps] == [step.loss for step in calm.steps]
    assert [one.step for one in looked.validations] == [step.step for step in looked.steps]


def test_it_looks_every_n_steps_and_after_the_last(tiny_model: Path) -> None:
    report = trained(tiny_model, Validation(ROWS, list(TASKS.values()), 4))[1]
    assert len(report.steps) % 4, "the last look is out of turn"
    assert [one.step for one in report.validations] == [*range(4, len(report.steps), 4), len(report.steps)]


def test_training_ends_early_with_the_weights_of_the_best_look(tiny_model: Path) -> None:
    validation = Validation(ROWS, list(TASKS.values()), 1)
    model, report = trained(tiny_model, validation, learning_rate=0.2, schedule="constant", patience=2, epochs=8)
    losses = [one.loss for one in report.validations]
    best = losses.index(min(losses))
    assert len(report.steps) == best + 1 + 2 < report.steps[0].steps
    assert report.chosen_step == best + 1
    assert measure(model, validation, 0, 600, "float32").loss == pytest.approx(min(losses), rel=1e-6)


def test_a_single_look_chooses_nothing(tiny_model: Path) -> None:
    report = trained(tiny_model, Validation(ROWS, list(TASKS.values()), 1000))[1]
    assert len(report.validations) == 1
    assert report.chosen_step is None


def test_patience_counts_looks_without_a_better_one() -> None:
    model = torch.nn.Linear(1, 1)
    selection = Selection(2, "overall")
    ended = []
    for step, loss in enumerate((3.0, 2.0, 2.5, 2.0, 1.0), 1):
        selection.add(look(step, loss), model)
        ended.append(selection.over)
    assert ended == [False, False, False, True, False]
    assert selection.best is selection.reports[-1]
    assert not Selection(None, "overall").over


def test_by_tasks_the_small_task_counts_as_much_as_the_large() -> None:
    model = torch.nn.Linear(1, 1)
    first, second = look(1, 2.0, large=1.9, small=4.0), look(2, 2.1, large=2.1, small=2.0)
    for by, best in (("overall", first), ("tasks", second)):
        selection = Selection(None, by)
        for one in (first, second):
            selection.add(one, model)
        assert selection.best is best


@given(st.integers(1, 400), st.integers(1, 4000), st.lists(st.integers(2, 1000), max_size=60))
def test_by_default_looking_costs_no_more_than_its_share(count: int, tokens: int, lengths: list[int]) -> None:
    rows, plan = token_rows(lengths), steps(count, tokens)
    found = plan_validation(rows, {}, plan, Train(), 0)
    if found is None:
        return
    looks = [step for step in range(1, count + 1) if found.due(step, count)]
    assert len(looks) >= 2
    longest = max(lengths)
    assert len(looks) * found.tokens <= max(SHARE * count * tokens, 2 * longest)


def test_a_short_training_and_one_without_a_validation_side_do_not_look() -> None:
    enough = steps(100, int(2 * LEAST_TOKENS / SHARE / 100) + 1)
    rows = token_rows([100] * 50)
    assert plan_validation(rows, {}, enough, Train(), 0)
    assert plan_validation(rows, {}, enough[:-5], Train(), 0) is None
    assert plan_validation([], {}, enough, Train(), 0) is None
    assert plan_validation(rows, {}, enough, Train(validate_every=0), 0) is None


def test_who_says_how_often_gets_it_whatever_it_costs() -> None:
    rows = token_rows([100] * 50)
    found = plan_validation(rows, {"row-0": "one"}, steps(3, 10), Train(validate_every=2, validation_tokens=1000), 0)
    assert found is not None
    assert (found.every, found.tokens) == (2, 1000)
    other = plan_validation(rows, {}, steps(3, 10), Train(validate_every=2, validation_tokens=1000), 1)
    assert other is not None
    assert [row.id for row in other.rows] != [row.id for row in found.rows]
