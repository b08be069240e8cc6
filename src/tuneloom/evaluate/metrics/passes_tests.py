"""Whether the program in an answer passes its tests, in a sandbox: pass@1 of HumanEval (Chen et al. 2021)."""

from collections.abc import Sequence

from tuneloom.evaluate.programs import program_of
from tuneloom.evaluate.sandbox import missing, run_tests

__all__ = ["DIRECTION", "INTERVAL", "missing", "score"]

DIRECTION = "higher"
INTERVAL = "share"


def score(answer: str, references: Sequence[str]) -> float | None:
    """The tests are the reference; None where the answer holds no program."""
    program = program_of(answer)
    return None if program is None else float(run_tests(program, references[0]).state == "passed")
