"""The run's own held-out rows, which never trained: how surprised a model is by their right answers, in nats a token,
and what it answers itself. A row's prompt is read once for both."""

from collections.abc import Callable, Sequence
from typing import Any

from tuneloom.evaluate.generation import Answer, answer_of
from tuneloom.evaluate.items import Item
from tuneloom.evaluate.metrics import Direction
from tuneloom.models.asks import replies
from tuneloom.models.generate import default_stop_ids
from tuneloom.models.loss import supervised_tokens
from tuneloom.models.spots import Ask, split_row
from tuneloom.render.loss_mask import learnt_runs, prompt_ids

METRIC = "loss"
DIRECTION: Direction = "lower"


def ask_held_out(
    model: Any,
    tokenizer: Any,
    scored: Sequence[Item],
    asked: Sequence[Item],
    max_new_tokens: int,
    on_rows: Callable[[int], None],
) -> tuple[list[float], list[Answer]]:
    """Mean nats a supervised token of every item of `scored`, and an answer to every one of `asked`, from exactly the
    tokens that training put before it. The shorter list is the longer one's beginning.

    An answer stops at the end-of-turn token that training taught, or at the model's own. Rows count alike, long answers
    no more than short. `on_rows` hears how many items are done.
    """
    items = max(scored, asked, key=len)
    asks = [_ask(item, n < len(scored), n < len(asked)) for n, item in enumerate(items)]
    stops = default_stop_ids(model, tokenizer) | {int(item.row.ids[_answer_end(item) - 1]) for item in items}
    found = replies(model, asks, max_new_tokens, stops, on_done=on_rows)
    losses = [
        -(reply.prompt_sum + sum(reply.sums)) / supervised_tokens(item.row)
        for item, reply in zip(scored, found, strict=False)
    ]
    return losses, [answer_of(tokenizer, reply.ids, max_new_tokens) for reply in found[: len(asked)]]


def _ask(item: Item, scored: bool, said: bool) -> Ask:
    """Earlier answers of a conversation lie in the prompt and are scored there."""
    prompt, rest = split_row(item.row, len(prompt_ids(item.row)))
    return Ask(prompt, (rest,) if scored else (), said)


def _answer_end(item: Item) -> int:
    """Behind the last learnt token: an end-of-turn token, as render proved."""
    return learnt_runs(item.row.loss_mask)[-1][1]
