"""What a training says of itself: a report of each optimiser step, each look at the validation side, and the whole."""

from collections.abc import Mapping
from dataclasses import dataclass

from tuneloom.train.choices import Choices


@dataclass(frozen=True)
class StepReport:
    """One optimiser step: `loss` in nats a supervised token, before the step; `grad_norm` before clipping;
    `memory_bytes` what the process, or torch on the device, held at the most so far."""

    step: int
    steps: int
    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int
    supervised_tokens: int
    seconds: float
    tokens_per_second: float
    padded_tokens: int = 0
    memory_bytes: int = 0


@dataclass(frozen=True)
class ValidationReport:
    """A look at the validation side after `step` steps: nats a supervised token, over all and by task."""

    step: int
    loss: float
    tasks: Mapping[str, float]
    supervised_tokens: int
    seconds: float


@dataclass(frozen=True)
class TrainReport:
    """A whole training: `steps` in order, what it computed in, the process's peak memory.

    `chosen_step` is the step whose weights the validation side chose, None where nothing chose and the last were kept;
    `first_micro_batch` the moment (time.perf_counter) at which the first micro-batch had its gradient."""

    steps: tuple[StepReport, ...]
    device: str
    dtype: str
    threads: int
    seconds: float
    peak_rss_bytes: int
    validations: tuple[ValidationReport, ...] = ()
    chosen_step: int | None = None
    first_micro_batch: float | None = None
    choices: Choices | None = None

    @property
    def tokens(self) -> int:
        """All tokens trained on, prompts included."""
        return sum(step.tokens for step in self.steps)

    @property
    def supervised_tokens(self) -> int:
        """Tokens that counted in the loss."""
        return sum(step.supervised_tokens for step in self.steps)

    @property
    def tokens_per_second(self) -> float:
        """All tokens by the wall time of the steps."""
        return self.tokens / max(sum(step.seconds for step in self.steps), 1e-9)
