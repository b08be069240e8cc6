"""What a training says of itself: a report of each optimiser step, and of the whole."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StepReport:
    """One optimiser step: `loss` in nats a supervised token, before the step; `grad_norm` before clipping."""

    step: int
    steps: int
    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int
    supervised_tokens: int
    seconds: float
    tokens_per_second: float


@dataclass(frozen=True)
class TrainReport:
    """A whole training: `steps` in order, what it computed in, the process's peak memory."""

    steps: tuple[StepReport, ...]
    device: str
    dtype: str
    threads: int
    seconds: float
    peak_rss_bytes: int

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
