"""Scores of generated answers."""

import numpy as np

from tuneloom.evaluate.generation import Answer, score_answers
from tuneloom.evaluate.items import Item
from tuneloom.evaluate.metrics import load_metrics
from tuneloom.models.token_row import TokenRow


def test_scores_leave_outer_white_space_aside():
    row = TokenRow("x", np.array([1, 2], np.int32), np.array([0, 1], np.uint8))
    items = [Item(row, "t", None, None, "Which?", ("It",), "x")] * 3
    answers = [Answer(" It\n", False), Answer("no", False), Answer("It", True)]
    assert [score.value for score in score_answers(load_metrics()["exact_match"], items, answers)] == [1.0, 0.0, 1.0]
