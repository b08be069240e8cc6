"""What a training will choose and take on this machine, told before it: memory, seconds, and why.

Nothing is loaded but the headers of the model's files; half a second goes into measuring the machine.
"""

from dataclasses import dataclass

from tuneloom.config import Render, Train
from tuneloom.models.load import folder_at_hand
from tuneloom.models.probe import probe
from tuneloom.models.resolve import ModelSource
from tuneloom.train.choices import Chosen, choose
from tuneloom.train.memory import flops, read_shape
from tuneloom.train.ranks import free_share, rate_of, share_of

REACHED = {"float32": 0.65, "bfloat16": 0.25}
"""Share of the probed rate that training reaches: measured with AVX2 in float32, with AMX in bfloat16; a GPU's is not
measured yet."""
SUPERVISED = 0.75
"""Share of tokens that are learnt, of Alpaca's rows; it moves the head's part alone."""


@dataclass(frozen=True)
class Forecast:
    """What would be chosen; `seconds` of training, None where tokens or model are not known yet."""

    chosen: Chosen
    device: str
    seconds: float | None


def forecast(config: Train, render: Render, model: ModelSource, available: int | None) -> Forecast:
    """Of training on `available` tokens an epoch (None: not rendered yet)."""
    machine, folder = share_of(probe(), config.processes), folder_at_hand(model)
    shape = read_shape(folder) if folder else None
    tokens = tokens_to_train(config, available)
    free = free_share(machine.device, config.processes)
    chosen = choose(config, machine, shape, render.max_length, tokens or 0, free)
    if shape is None or tokens is None:
        return Forecast(chosen, machine.device, None)
    dtype = chosen.choices.dtype
    rate = rate_of(machine, dtype, config.processes)
    work = flops(shape, config.method, tokens, int(SUPERVISED * tokens))
    again = 1 + chosen.choices.checkpointing / (2 if config.method != "full" else 3)  # the forward pass once more
    return Forecast(chosen, machine.device, again * work / (REACHED[dtype] * rate * 1e9))


def tokens_to_train(config: Train, available: int | None) -> int | None:
    """`max_tokens` or all epochs, whichever is less; None where only the rows could tell."""
    whole = None if available is None else round(available * config.epochs)
    known = [count for count in (config.max_tokens, whole) if count is not None]
    return min(known) if known else None
