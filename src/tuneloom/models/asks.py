"""What models are asked: a prompt, read once; answers to score after it; and an answer of the model's own.

Asks are taken longest first. A slot whose answer ends is given to the next prompt in the same step, so that the batch
stays full; what all prompts begin with (system message, examples) is computed once. Each ask gets what it would alone.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from tuneloom.errors import ConfigError
from tuneloom.models.alone import in_turn
from tuneloom.models.attention import attention_of, plain_model
from tuneloom.models.blocked import blocked_weights
from tuneloom.models.likelihood import row_losses
from tuneloom.models.seq2seq import answer_batch, reads_and_writes
from tuneloom.models.slots import SLOTS, Run, Slots, suited
from tuneloom.models.spots import Ask, Asked, Reply, Spot, score, spots_of
from tuneloom.models.token_row import TokenRow

LINE = 512
"""Tokens of prompts and scored answers read in one pass, unless one alone is longer; measured on CPUs."""
HELD = 8192
"""Tokens that all slots together may hold."""
SLOTS_AT_MOST = 32
"""Answers that grow at a time: in a step of 32 products take as long a token as in one of 64 to a tenth, and keys and
values half the memory."""


@torch.no_grad()
def replies(
    model: Any,
    asks: Sequence[Ask],
    max_new_tokens: int = 0,
    stops: Iterable[int] = (),
    slots: int = SLOTS_AT_MOST,
    line: int = LINE,
    on_done: Callable[[int], None] = lambda done: None,
) -> list[Reply]:
    """A reply to each ask, in the model's own number format, at most `slots` answers at a time.

    An answer of exactly `max_new_tokens` ids was cut. Raises ConfigError for a prompt without tokens, TrainingError for
    a likelihood that is not a number, with the row's id.
    """
    for number, ask in enumerate(asks):
        if not len(ask.prompt):
            raise ConfigError("a prompt has no tokens", where=f"prompt {number}", remedy="Give at least one token.")
    found = [Reply(sums=[0.0] * len(ask.answers)) for ask in asks]
    steps = _in_batches if reads_and_writes(model) else _in_slots
    was_training = model.training
    model.eval()
    try:
        for done in steps(model, list(zip(asks, found, strict=True)), max_new_tokens, set(stops), slots, line):
            on_done(done)
    finally:
        model.train(was_training)
    return found


def _in_slots(model: Any, asks: Sequence[Asked], most: int, stops: set[int], slots: int, line: int) -> Iterator[int]:
    """Works; how many asks are done so far. Models that slots do not suit answer one ask at a time."""
    if not asks:
        return
    longest: list[int] = max((ask.prompt.ids.tolist() for ask, _ in asks), key=len)
    if not suited(model, (longest * 2)[: max(2, min(16, len(longest)))]):
        yield from in_turn(model, asks, most, stops)
        return
    done = 0
    with attention_of(model, SLOTS), blocked_weights(model, sum(ask.needs(most) for ask, _ in asks)):
        for band in _bands(asks, most):
            yield from (done + count for count in _Work(model, band, most, stops, slots, line).steps())
            done += len(band)


def _in_batches(model: Any, asks: Sequence[Asked], most: int, stops: set[int], size: int, line: int) -> Iterator[int]:
    """The same of an encoder-decoder, which reads the prompt with its encoder: padded batches of like length."""
    order = sorted(asks, key=lambda one: -len(one[0].prompt))
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        scored = [(row, reply, n) for ask, reply in batch for n, row in enumerate(map(ask.whole, ask.answers))]
        losses = row_losses(model, [row for row, _, _ in scored], line)
        for (_, reply, number), loss in zip(scored, losses, strict=True):
            reply.sums[number] = -loss.sum
        said = [(ask, reply) for ask, reply in batch if ask.said]
        if said:
            for (_, reply), ids in zip(
                said, answer_batch(model, [ask.prompt.ids.tolist() for ask, _ in said], most, stops), strict=True
            ):
                reply.ids = ids
        yield start + len(batch)


def _bands(asks: Sequence[Asked], most: int) -> Iterator[list[Asked]]:
    """Asks, longest first, in groups whose longest needs at most four times its shortest: slots are of one size."""
    order = sorted(asks, key=lambda one: -one[0].needs(most))
    while order:
        border = order[0][0].needs(most) / 4
        band = [one for one in order if one[0].needs(most) >= border]
        yield band
        order = order[len(band) :]


class _Work:
    """Asks of like length on one set of slots; the last slot is scratch, for asks that are only scored."""

    def __init__(
        self,
        model: Any,
        asks: Sequence[Asked],
        most: int,
        stops: set[int],
        slots: int,
        line: int,
    ) -> None:
        self._most, self._stops, self._line = most, stops, line
        self._head = plain_model(model).get_output_embeddings()
        self._waiting = deque(asks)
        capacity = max(ask.needs(most) for ask, _ in asks)
        self._count = min(slots, max(1, HELD // capacity), sum(ask.said for ask, _ in asks))
        self._slots = Slots(model, self._count + 1, capacity)
        self._going: list[Reply] = []  # the answer that grows in slot 0, 1, ...
        self._lengths: list[int] = []  # what each of those slots holds
        self._done = 0
        self._shared = self._share([ask.prompt for ask, _ in asks])

    def steps(self) -> Iterator[int]:
        """Works step by step; how many asks are done after each."""
        while self._waiting or self._going:
            grown = len(self._going)
            runs, spots, ends = self._admit()
            before = sum(len(run.ids) for run in runs)
            hidden = self._slots.read(runs, [reply.ids[-1] for reply in self._going], self._lengths)
            if spots:
                score(hidden, self._head, spots)
            chosen = [*range(before, before + grown), *(place for place, _, _ in ends)]
            tokens = self._head(hidden[chosen]).argmax(1).tolist() if chosen else []
            self._lengths = [length + 1 for length in self._lengths] + [length for _, length, _ in ends]
            self._going += [reply for _, _, reply in ends]
            self._take(tokens)
            yield self._done

    def _share(self, prompts: Sequence[TokenRow]) -> int:
        """Reads once what all prompts begin with, as far as nothing in it is scored; how many tokens that are. A prompt
        keeps one token of its own, which predicts what follows."""
        if len(prompts) < 2:
            return 0
        heads = [prompt.ids[:-1].tolist() for prompt in prompts]
        low, high = min(heads), max(heads)  # what these two begin with, all that lies between them begins with
        pairs = enumerate(zip(low, high, strict=False))
        length = next((place for place, (a, b) in pairs if a != b), min(len(low), len(high)))
        for prompt in prompts:
            scored = np.flatnonzero(prompt.loss_mask)
            length = min(length, max(0, int(scored[0]) - 1)) if len(scored) else length
        if length:
            self._slots.read([Run(0, 0, prompts[0].ids[:length].tolist())])
            self._slots.spread(length)
        return length

    def _admit(self) -> tuple[list[Run], list[Spot], list[tuple[int, int, Reply]]]:
        """Runs of the asks that begin now, what is scored in them, and for new answers the place that predicts their
        first token, the slot's length and the reply."""
        runs: list[Run] = []
        spots: list[Spot] = []
        ends: list[tuple[int, int, Reply]] = []
        start = 0
        while self._waiting:
            ask, reply = self._waiting[0]
            slot = len(self._going) + len(ends) if ask.said else self._count
            size = len(ask.prompt) - self._shared + sum(map(len, ask.answers))
            if (ask.said and slot >= self._count) or (runs and start + size > self._line):
                break
            self._waiting.popleft()
            own = _runs(ask, slot, self._shared)
            spots += spots_of(ask, reply, start, self._shared)
            end = start + len(ask.prompt) - self._shared - 1
            if ask.said and self._most:
                ends.append((end, len(ask.prompt), reply))
            else:
                self._done += 1
            runs += own
            start += sum(len(run.ids) for run in own)
        return runs, spots, ends

    def _take(self, tokens: Sequence[int]) -> None:
        """Gives each growing answer its next token; an ended one leaves, and the last slot's moves into its place."""
        for slot in reversed(range(len(self._going))):
            reply, token = self._going[slot], tokens[slot]
            if token not in self._stops:
                reply.ids.append(token)
                if len(reply.ids) < self._most:
                    continue
            self._done += 1
            last = len(self._going) - 1
            if slot < last:
                self._slots.move(last, slot, self._lengths[last])
                self._going[slot], self._lengths[slot] = self._going[last], self._lengths[last]
            self._going.pop()
            self._lengths.pop()


def _runs(ask: Ask, slot: int, shared: int) -> list[Run]:
    """The prompt behind what is shared, then each answer in the same place; an answer's last token is never read."""
    at = len(ask.prompt)
    prompt = Run(slot, shared, ask.prompt.ids[shared:].tolist())
    return [prompt, *(Run(slot, at, answer.ids[:-1].tolist()) for answer in ask.answers if len(answer) > 1)]
