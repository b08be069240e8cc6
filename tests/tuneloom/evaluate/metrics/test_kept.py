"""IFEval's four accuracies by hand: two prompts, three instructions."""

import numpy as np
import pytest

from tuneloom.evaluate.metrics import About, load_metrics

ANSWERS = [
    ("Sure:\nall low", ['{"lower_case": true}', '{"no_commas": true}']),  # strictly the second alone, loosely both
    ("One, two.", ['{"no_commas": true}']),  # neither
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("prompt_strict", 0.0), ("prompt_loose", 0.5), ("instruction_strict", 1 / 3), ("instruction_loose", 2 / 3)],
)
def test_prompts_count_whole_and_instructions_each(name: str, expected: float):
    metric = load_metrics()[name]
    scored = [metric.of(answer, references, About("en")) for answer, references in ANSWERS]
    if metric.combine:
        assert float(metric.combine(np.sum([score.parts for score in scored], axis=0)[None])[0]) == expected
    else:
        assert sum(score.value for score in scored) / len(scored) == expected
