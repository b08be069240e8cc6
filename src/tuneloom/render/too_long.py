"""Conversations longer than a pack: their oldest exchanges dropped, or cut between exchanges into several.

An exchange is a user's turn and all that answers it. What is cut is always whole: no system message, no answer and no
tool's result is parted from what it belongs to, and nothing is cut inside a message.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Messages = Sequence[Mapping[str, Any]]
Fits = Callable[[Messages], bool]
"""Whether messages are short enough as they would be rendered."""


def truncate(messages: Messages, fits: Fits) -> Messages | None:
    """The system's messages and as many of the last exchanges as fit; None where the last one alone does not.

    [system, u1, a1, u2, a2, u3, a3] with room for two -> [system, u2, a2, u3, a3].
    """
    system, exchanges = _cut(messages)
    kept = _most(len(exchanges), lambda count: fits(_flat(system, exchanges[len(exchanges) - count :])))
    return _flat(system, exchanges[len(exchanges) - kept :]) if kept else None


def split(messages: Messages, fits: Fits) -> list[Messages]:
    """Runs of exchanges, each as long as fits, the system's messages before each; together they are all exchanges.

    [system, u1, a1, u2, a2, u3, a3] with room for two -> [system, u1, a1, u2, a2] and [system, u3, a3]. An exchange
    that is too long by itself is a run of its own, and stays so.
    """
    system, exchanges = _cut(messages)
    runs, start = [], 0
    while start < len(exchanges):
        rest = exchanges[start:]
        count = _most(len(rest), lambda count, rest=rest: fits(_flat(system, rest[:count])))  # type: ignore[misc]
        runs.append(_flat(system, rest[: max(1, count)]))
        start += max(1, count)
    return runs


def learn_last(messages: Messages) -> Messages:
    """The messages with weight 0 on all answers but the last that is learnt: weights [1, 1, 0] -> [0, 1, 0]."""
    learnt = [i for i, m in enumerate(messages) if m["role"] == "assistant" and m.get("weight") != 0]
    return [{**m, "weight": 0} if i in learnt[:-1] else m for i, m in enumerate(messages)]


def _cut(messages: Messages) -> tuple[list[Mapping[str, Any]], list[list[Mapping[str, Any]]]]:
    """The system's messages at the start, and the exchanges after them."""
    start = next((i for i, message in enumerate(messages) if message["role"] != "system"), len(messages))
    exchanges: list[list[Mapping[str, Any]]] = []
    for message in messages[start:]:
        if message["role"] == "user" or not exchanges:
            exchanges.append([])
        exchanges[-1].append(message)
    return list(messages[:start]), exchanges


def _flat(system: list[Mapping[str, Any]], exchanges: list[list[Mapping[str, Any]]]) -> Messages:
    return [*system, *(message for exchange in exchanges for message in exchange)]


def _most(count: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `count` that fits, 0 where 1 does not; more never fits where less does not."""
    low, high = 0, count
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
