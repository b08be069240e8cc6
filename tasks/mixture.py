"""The mixture of training rows."""

from collections.abc import Sequence

from prefect import task
from prefect.states import State

from tasks.drift import tell_drift
from tasks.run import Run
from tasks.snapshot import tell_changes
from tasks.stage import STAGE, run_stage
from tuneloom.artifacts import Reference, Writer


@task(name="mixture", **STAGE)
def mixture(run: Run, rows: Reference) -> State | Reference:
    """Chooses among the training rows."""

    def build(writer: Writer) -> None:
        from tuneloom.mixture.stage import mix

        config = run.plan.config
        counter = _TokenCounter(run) if config.mixture.tokens else None
        mix(writer, run.artifact("review"), config.mixture, config.seed, counter)

    outcome = run_stage(run, "mixture", build)
    tell_changes(run)
    tell_drift(run)
    return outcome


class _TokenCounter:
    """Tokens of texts in the model's tokenizer."""

    def __init__(self, run: Run) -> None:
        from tuneloom.models.load import model_folder
        from tuneloom.render.tokenizer import load_row_tokenizer

        self._tokenizer = load_row_tokenizer(model_folder(run.plan.model, run.say))

    def __call__(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self._tokenizer.encode(texts)]
