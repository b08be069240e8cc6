"""Keys and values of many rows in slots that are written, read on, and rewound: what a prompt is computed once for.

A line is one forward pass of runs laid end to end, unpadded. A run reads its slot up to where it begins and writes
itself behind that; so a choice is scored after its context and the next choice overwrites it, and an answer grows by a
run of one token a step while other slots still read their prompts. Equal to each row alone but for float rounding, and
`suited` shows it of every model before the first use. Continuous batching is Orca's (Yu 2022), rows instead of pages.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from tuneloom.models.attention import attention_of, plain_model
from tuneloom.models.packed import COARSE, TOLERANCE

SLOTS = "slots"
_LOG = logging.getLogger(__name__)
_FOREIGN = (AttributeError, RuntimeError, TypeError, ValueError)
"""What slots, or a model's own code that knows nothing of them, may raise."""
_suited: "WeakKeyDictionary[Any, bool]" = WeakKeyDictionary()


class Unsuited(ValueError):
    """Slots do not give this architecture its own logits."""


@dataclass(frozen=True)
class Run:
    """Tokens `ids` written into `slot` from position `at` on; they see what the slot holds before, and themselves."""

    slot: int
    at: int
    ids: Sequence[int]


@dataclass
class Line:
    """What the attention of one forward pass goes by: `runs`, then `grown` single tokens, of slots 0, 1, ...

    `bounds` are the runs' places in the line, `lengths` int64 (grown,) the places those tokens are written to, and
    `longest` is how many tokens the fullest of those slots holds then.
    """

    runs: Sequence[Run]
    bounds: Sequence[tuple[int, int]]
    lengths: Tensor
    longest: int
    kept: dict[int, tuple[Tensor, Tensor]]
    shape: tuple[int, int]
    masks: dict[Any, Tensor | None] = field(default_factory=dict)
    layers: set[int] = field(default_factory=set)


class Slots:
    """`count` slots of `capacity` tokens for `model`, whose attention must be "slots" while they are used."""

    def __init__(self, model: Any, count: int, capacity: int) -> None:
        self._model, self._shape = plain_model(model), (count, capacity)
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def read(self, runs: Sequence[Run], grown: Sequence[int] = (), lengths: Sequence[int] = ()) -> Tensor:
        """Hidden states (T, d) of the runs' tokens and then of `grown`, the next tokens of slots 0, 1, ..., which hold
        `lengths` tokens so far."""
        device = self._model.device
        bounds: list[tuple[int, int]] = []
        ids: list[int] = []
        places: list[int] = []
        for run in runs:
            bounds.append((len(ids), len(ids) + len(run.ids)))
            ids += run.ids
            places += range(run.at, run.at + len(run.ids))
        at = torch.tensor(lengths, dtype=torch.long, device=device)
        line = Line(runs, bounds, at, max(lengths, default=0) + 1, self._kept, self._shape)
        out = self._model.base_model(
            input_ids=torch.tensor([[*ids, *grown]], device=device),
            position_ids=torch.tensor([[*places, *lengths]], device=device),
            slots=line,
            use_cache=False,
        )
        if len(line.layers) != self._model.config.get_text_config().num_hidden_layers:
            raise Unsuited("not all of its layers are attention that is told what to see")
        return out.last_hidden_state[0]

    def spread(self, length: int) -> None:
        """Gives the first `length` tokens of slot 0 to every slot."""
        for kept in self._kept.values():
            for side in kept:
                side[1:, :, :length] = side[:1, :, :length]

    def move(self, source: int, target: int, length: int) -> None:
        """Makes the first `length` tokens of one slot another's."""
        for kept in self._kept.values():
            for side in kept:
                side[target, :, :length] = side[source, :, :length]


def slot_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Any = None,
    *,
    slots: Line | None = None,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """query (1, heads, T, d), key and value (1, kv_heads, T, d), of a float dtype -> (1, T, heads, d) of the same."""
    if slots is None or query.shape[0] != 1 or options.get("softcap") or options.get("s_aux") is not None:
        raise Unsuited("its attention needs capped scores or sinks, or is not told what a row may see")
    window = options.get("sliding_window")
    keys, values = _kept(module, slots, key, value)
    found = [
        _read_run(run, query[:, :, a:b], key[0, :, a:b], value[0, :, a:b], (keys, values), slots, scaling, window)
        for run, (a, b) in zip(slots.runs, slots.bounds, strict=True)
    ]
    if count := len(slots.lengths):
        border = query.shape[2] - count
        tail = (query[0, :, border:], key[0, :, border:], value[0, :, border:])
        found.append(_grow(*tail, (keys, values), slots, scaling, window))
    return torch.cat(found, 2).transpose(1, 2), None


def _kept(module: Any, line: Line, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """The layer's keys and values, (slots, kv_heads, capacity, d) each; zeros, for 0 x NaN is NaN behind a mask."""
    layer = int(module.layer_idx)
    line.layers.add(layer)
    if layer not in line.kept:
        count, capacity = line.shape
        line.kept[layer] = tuple(  # type: ignore[assignment]
            side.new_zeros(count, side.shape[1], capacity, side.shape[3]) for side in (key, value)
        )
    return line.kept[layer]


def _read_run(
    run: Run,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    kept: tuple[Tensor, Tensor],
    line: Line,
    scaling: float | None,
    window: int | None,
) -> Tensor:
    """One run: query (1, heads, n, d), key and value (kv_heads, n, d) -> (1, heads, n, d)."""
    end = run.at + len(run.ids)
    for side, new in zip(kept, (key, value), strict=True):
        side[run.slot, :, run.at : end] = new
    keys, values = (side[run.slot : run.slot + 1, :, :end] for side in kept)
    bound = window if window is not None and window < end else None
    plain = run.at == 0 and bound is None
    mark = (run.at, end, bound)
    if not plain and mark not in line.masks:
        line.masks[mark] = _causal(run.at, end, bound, query.device)
    return torch.nn.functional.scaled_dot_product_attention(
        query,
        keys,
        values,
        attn_mask=None if plain else line.masks[mark],
        is_causal=plain,
        scale=scaling,
        enable_gqa=query.shape[1] != keys.shape[1],
    )


def _causal(start: int, end: int, window: int | None, device: Any) -> Tensor:
    """Which of `end` places each of the places `start:end` sees, bool (end - start, end)."""
    own, seen = torch.arange(start, end, device=device)[:, None], torch.arange(end, device=device)
    sees = seen <= own
    return sees if window is None else sees & (own - seen < window)


def _grow(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    kept: tuple[Tensor, Tensor],
    line: Line,
    scaling: float | None,
    window: int | None,
) -> Tensor:
    """One token of each slot 0, 1, ... at once.

    query (heads, n, d), key and value (kv_heads, n, d) -> (1, heads, n, d). Heads that share a key are queries of it:
    nothing is repeated in memory.
    """
    heads, count, _ = query.shape
    row = torch.arange(count, device=query.device)
    for side, new in zip(kept, (key, value), strict=True):
        side[row, :, line.lengths] = new.transpose(0, 1)
    longest = line.longest
    mark = ("grown", window)
    if mark not in line.masks:
        seen = torch.arange(longest, device=query.device)
        sees = seen <= line.lengths[:, None]
        sees = sees if window is None else sees & (line.lengths[:, None] - seen < window)
        line.masks[mark] = query.new_zeros(sees.shape).masked_fill(~sees, -torch.inf)[:, None, None, :]
    keys, values = (side[:count, :, :longest] for side in kept)
    kv_heads = keys.shape[1]
    grouped = query.transpose(0, 1).reshape(count, kv_heads, heads // kv_heads, -1)
    out = torch.nn.functional.scaled_dot_product_attention(
        grouped, keys, values, attn_mask=line.masks[mark], scale=scaling
    )
    return out.reshape(count, heads, -1).transpose(0, 1)[None]


def register_slot_attention() -> None:
    """Makes `attn_implementation="slots"` known to transformers; calling it again changes nothing."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(SLOTS, slot_attention)
    AttentionMaskInterface.register(SLOTS, lambda *_, **__: None)


@torch.no_grad()
def suited(model: Any, ids: Sequence[int]) -> bool:
    """Whether slots give this model its own logits, shown on `ids`, at least two; found out once a model, and where
    they do not, told in a line of the log with the reason.

    They do not where layers mix tokens otherwise than by attention, where positions do not travel, where the head is
    more than a matrix.
    """
    inner = plain_model(model)
    if inner not in _suited:
        register_slot_attention()
        try:
            with attention_of(model, SLOTS):
                _prove(model, ids)
            _suited[inner] = True
        except _FOREIGN as error:
            _suited[inner] = False
            why = str(error).strip().partition("\n")[0]
            _LOG.warning("%s is asked one row at a time, slowly: %s", type(inner).__name__, why)
    return _suited[inner]


def _prove(model: Any, ids: Sequence[int]) -> None:
    """Raises Unsuited with the difference of its logits in slots, under "slots" attention, from its own."""
    inner = plain_model(model)
    half = len(ids) // 2
    slots, head = Slots(model, 2, len(ids) + 1), inner.get_output_embeddings()
    runs = [Run(1, 0, ids[:half]), Run(1, half, ids[half:][::-1]), Run(1, half, ids[half:]), Run(0, 0, ids[:-1])]
    hidden = slots.read(runs)
    grown = slots.read([], [ids[-1]], [len(ids) - 1])
    with attention_of(model, "eager"):
        wanted = inner(input_ids=torch.tensor([list(ids)], device=inner.device), use_cache=False).logits[0].float()
    start = 2 * len(ids) - half
    found = [(head(hidden[start - len(ids) + half : start]), wanted[half:]), (head(grown), wanted[-1:])]
    apart = max(float((a.float() - b).abs().max() / b.abs().max().clamp(min=1e-6)) for a, b in found)
    bound = TOLERANCE.get(inner.dtype, COARSE)
    if not apart <= bound:
        raise Unsuited(f"logits differ from its own by {apart:.2g} of the largest, at most {bound:g}")
