"""Where what is scored is predicted: literally, and summed."""

import numpy as np
import pytest
import torch

from tuneloom.models.spots import Ask, Reply, score, split_row, spots_of
from tuneloom.models.token_row import TokenRow


def row(ids, mask) -> TokenRow:
    return TokenRow("a", np.array(ids, np.int32), np.array(mask, np.uint8))


def test_a_row_is_split_into_prompt_and_answer() -> None:
    prompt, answer = split_row(row([5, 7, 9, 2], [0, 0, 1, 1]), 2)
    assert (prompt.ids.tolist(), answer.ids.tolist(), answer.loss_mask.tolist()) == ([5, 7], [9, 2], [1, 1])
    assert Ask(prompt).whole(answer).ids.tolist() == [5, 7, 9, 2]


def test_a_slot_holds_the_prompt_and_the_longest_of_what_follows() -> None:
    ask = Ask(row([5, 7], [0, 0]), (row([1], [1]), row([1, 2, 3], [1, 1, 1])), said=True)
    assert (ask.needs(0), ask.needs(2), ask.needs(9)) == (5, 5, 11)


def test_places_of_a_literal_line() -> None:
    """Line of the ask, which begins at place 10 and whose first token is shared: 7 9 | 4 | 3 6, last tokens unread."""
    ask = Ask(row([5, 7, 9], [0, 0, 1]), (row([4, 2], [1, 1]), row([8], [1]), row([3, 6, 1], [0, 1, 1])))
    found = [(spot.place, spot.token, spot.answer) for spot in spots_of(ask, Reply(), 10, 1)]
    assert found == [(10, 9, None), (11, 4, 0), (12, 2, 0), (11, 8, 1), (13, 6, 2), (14, 1, 2)]


@pytest.mark.parametrize("chunk", [1, 2, 512])
def test_sums_are_those_of_log_softmax_however_they_are_cut(monkeypatch, chunk: int) -> None:
    monkeypatch.setattr("tuneloom.models.spots.CHUNK", chunk)
    torch.manual_seed(0)
    head, hidden = torch.nn.Linear(4, 9, bias=False), torch.randn(6, 4)
    ask = Ask(row([5, 7, 3], [0, 1, 1]), (row([4, 2], [1, 1]), row([8], [1])))
    reply = Reply(sums=[0.0, 0.0])
    with torch.no_grad():
        score(hidden, head, spots_of(ask, reply, 0, 0))
        logp = head(hidden).log_softmax(1).tolist()
    assert reply.prompt_sum == pytest.approx(logp[0][7] + logp[1][3], abs=1e-6)
    assert reply.sums == pytest.approx([logp[2][4] + logp[3][2], logp[2][8]], abs=1e-6)
