"""What is asked together is answered as alone: by transformers, one whole row at a time, is what counts."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.errors import ConfigError, TrainingError
from tuneloom.models import asks as asks_module
from tuneloom.models.asks import replies
from tuneloom.models.load import load_model
from tuneloom.models.spots import Ask
from tuneloom.models.token_row import TokenRow

MOST = 12


@pytest.fixture(scope="module")
def model(tiny_model: Path):
    return load_model(tiny_model)


def row(random, length: int, scored: bool) -> TokenRow:
    return TokenRow(
        f"row of {length}", random.integers(3, 400, length).astype(np.int32), np.full(length, scored, np.uint8)
    )


def some_asks(lengths, shared: int = 0, seed: int = 0) -> list[Ask]:
    """Every third is not answered, every fourth has a scored end of its prompt, every fifth no choices."""
    random = np.random.default_rng(seed)
    begin = row(random, shared, False)
    found = []
    for n, length in enumerate(lengths):
        own = row(random, length, n % 4 == 3)
        ids, mask = (np.concatenate(both) for both in ((begin.ids, own.ids), (begin.loss_mask, own.loss_mask)))
        choices = () if n % 5 == 4 else tuple(row(random, size, True) for size in (1, 4, 2))
        found.append(Ask(TokenRow(f"row {n}", ids, mask), choices, n % 3 != 2))
    return found


@torch.no_grad()
def alone(model, ask: Ask, stops: set[int]):
    """Sums and an answer by whole forward passes without a cache."""
    sums = [logp(model, np.concatenate([ask.prompt.ids, one.ids]), len(one)) for one in ask.answers]
    scored = int(ask.prompt.loss_mask[1:].sum())
    own = logp(model, ask.prompt.ids, scored) if scored else 0.0
    ids: list[int] = []
    while ask.said and len(ids) < MOST:
        token = int(model(torch.tensor([[*ask.prompt.ids.tolist(), *ids]])).logits[0, -1].argmax())
        if token in stops:
            break
        ids.append(token)
    return own, sums, ids


def logp(model, ids, last: int) -> float:
    scores = model(torch.tensor(ids[None], dtype=torch.long)).logits[0].log_softmax(-1)
    return sum(float(scores[place - 1, int(ids[place])]) for place in range(len(ids) - last, len(ids)))


def check(model, asks, wanted, stops, **how) -> None:
    for (own, sums, ids), reply in zip(wanted, replies(model, asks, MOST, stops, **how), strict=True):
        assert reply.prompt_sum == pytest.approx(own, abs=1e-3)
        assert reply.sums == pytest.approx(sums, abs=1e-3)
        assert reply.ids == ids


@pytest.mark.parametrize("shared", [0, 7])
def test_any_slots_and_lines_give_what_each_would_get_alone(model, shared: int) -> None:
    asks = some_asks((5, 17, 2, 9, 30, 1, 9, 25, 12), shared)
    free = [alone(model, ask, set()) for ask in asks]
    stops = {free[0][2][4], free[3][2][7]}  # tokens that some answers reach, at different steps
    wanted = [alone(model, ask, stops) for ask in asks]
    assert len({len(ids) for _, _, ids in wanted}) > 2, "slots must fall free at different steps"
    for slots, line in ((1, 1), (2, 40), (32, 512)):
        check(model, asks, wanted, stops, slots=slots, line=line)


@settings(max_examples=10)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=7), st.integers(0, 5), st.integers(1, 4), st.integers(1, 60))
def test_it_holds_for_any_lengths(model, lengths, shared: int, slots: int, line: int) -> None:
    asks = some_asks(lengths, shared)
    check(model, asks, [alone(model, ask, set()) for ask in asks], set(), slots=slots, line=line)


def test_prompts_of_very_different_length_do_not_share_slots_of_one_size(model, monkeypatch) -> None:
    asks, sizes = some_asks((200, 2, 190, 3)), []
    slots = asks_module.Slots
    monkeypatch.setattr(asks_module, "Slots", lambda m, count, size: sizes.append(size) or slots(m, count, size))
    check(model, asks, [alone(model, ask, set()) for ask in asks], set())
    assert sizes == [212, 15]


def test_what_all_prompts_begin_with_is_read_once(model, monkeypatch) -> None:
    asks, read = some_asks((5, 6, 7), shared=50), []
    whole = asks_module.Slots.read
    monkeypatch.setattr(
        asks_module.Slots, "read", lambda self, runs, *more: read.extend(runs) or whole(self, runs, *more)
    )
    replies(model, asks)
    assert sum(len(run.ids) for run in read) < 50 + sum(len(ask.prompt) - 50 + 4 for ask in asks) + 1


def test_memory_bounds_how_many_slots_there_are(model, monkeypatch) -> None:
    asks, counts = some_asks((30,) * 8), []
    slots = asks_module.Slots
    monkeypatch.setattr(asks_module, "HELD", 100)
    monkeypatch.setattr(asks_module, "Slots", lambda m, count, size: counts.append(count) or slots(m, count, size))
    check(model, asks, [alone(model, ask, set()) for ask in asks], set())
    assert counts == [3], "two slots of 42 tokens, and scratch"


def test_a_broken_model_names_the_row(tiny_model: Path) -> None:
    broken, asks = load_model(tiny_model), some_asks((5, 6))
    replies(broken, asks)  # sound, and proven so
    with torch.no_grad():
        broken.get_output_embeddings().weight[7] = float("nan")
    with pytest.raises(TrainingError, match="nan") as caught:
        replies(broken, asks)
    assert caught.value.where.startswith("row row of")


def test_an_empty_prompt_is_refused_and_no_asks_have_no_replies(model) -> None:
    assert replies(model, []) == []
    with pytest.raises(ConfigError, match="no tokens"):
        replies(model, [Ask(row(np.random.default_rng(0), 0, False))])


def test_mode_and_attention_are_given_back_even_after_an_error(model) -> None:
    model.train()
    with pytest.raises(ConfigError):
        replies(model, [Ask(row(np.random.default_rng(0), 0, False))])
    replies(model, some_asks((3,)))
    assert model.training
    assert model.config._attn_implementation == "sdpa"
    model.eval()


def test_of_nothing_asked_the_attention_stays_as_it_is(model, monkeypatch) -> None:
    """Slots are made known with the first ask, and an evaluation outside a run asks no held-out rows."""
    monkeypatch.setattr(asks_module, "attention_of", lambda *_: pytest.fail("attention was changed"))
    assert replies(model, []) == []
