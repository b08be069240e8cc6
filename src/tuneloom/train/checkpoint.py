"""Checkpoints: all that the next optimiser step depends on, so that a resumed training ends in the same bytes.

A checkpoint holds the trained weights, the optimiser's moments, torch's random state, what has been reported, and
where training stands; the order of the data follows from the seed (batches.py). It is one safetensors file, written
beside, flushed and renamed; the last two are kept, so that a damaged one costs a few steps and not the training.

What the machine chose (number format, threads) is taken over from the checkpoint; what a resume cannot take over is
its `Origin`: another one means other rounding, so training starts anew and says why.
"""

import contextlib
import hashlib
import json
import os
import platform
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from tuneloom.artifacts.work import flush
from tuneloom.train.choices import Choices
from tuneloom.train.group import Alone, collected, like

KEPT = 2
LEAST_SECONDS = 60.0
"""Wall time between checkpoints; more where one takes long, so that they cost at most a twentieth of the training."""
SHARE = 0.05
_RANDOM = "random"


@dataclass(frozen=True)
class Origin:
    """What the bits of a step depend on besides its inputs, and a resume cannot choose."""

    torch: str
    transformers: str
    peft: str
    device: str
    instructions: str

    @classmethod
    def here(cls, device: str) -> "Origin":
        """`Origin("2.13.0+cpu", "5.23.0", "0.21.2", "cpu", "x86_64 AVX512")`; on a CUDA GPU its name."""
        cpu = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
        where = torch.cuda.get_device_name() if device == "cuda" else cpu
        return cls(torch.__version__, version("transformers"), version("peft"), device, where)

    def differs(self, other: "Origin") -> str | None:
        """`torch 2.12.0 -> 2.13.0`, or None where nothing does."""
        here, there = asdict(other), asdict(self)
        changed = [f"{name} {there[name]} -> {here[name]}" for name in here if here[name] != there[name]]
        return ", ".join(changed) or None


@dataclass(frozen=True)
class Checkpoint:
    """A training after `step` steps. `tensors` by name: `weight.<name>`, `moment.<number>.<name>`, `best.<name>`,
    `random...`; `counters` holds plain values."""

    step: int
    origin: Origin
    choices: Choices
    counters: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]


@dataclass
class Checkpoints:
    """Where a training's checkpoints lie, and when the next is due."""

    folder: Path
    origin: Origin
    choices: Choices
    least_seconds: float = LEAST_SECONDS
    share: float = SHARE
    on_saved: Callable[[Path], None] = lambda path: None
    _next: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._next = time.monotonic() + self.least_seconds

    def due(self) -> bool:
        """Whether it is time for one."""
        return time.monotonic() >= self._next

    def put_off(self) -> None:
        """Lets the next be due after the least time."""
        self._next = time.monotonic() + self.least_seconds

    def save(self, step: int, counters: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
        """Writes the checkpoint after `step` steps and drops all but the last `KEPT`."""
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        began = time.monotonic()
        tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
        head = {"step": step, "origin": asdict(self.origin), "choices": asdict(self.choices), "counters": counters}
        head["digest"] = _digest(tensors)
        place = self.folder / f"step-{step:08d}.safetensors"
        beside = place.with_suffix(f".{os.getpid()}.part")
        try:
            save_file(tensors, beside, {"head": json.dumps(head)})
        except SafetensorError as error:  # a full disk among others
            raise OSError(f"a checkpoint could not be written: {error}") from error
        flush(beside)
        os.rename(beside, place)
        flush(self.folder)
        for old in _files(self.folder)[KEPT:]:
            old.unlink()
        self.on_saved(place)
        now = time.monotonic()
        self._next = now + max(self.least_seconds, (now - began) / self.share)


def newest(folder: Path, device: str, say: Callable[[str], None]) -> Checkpoint | None:
    """The last whole checkpoint in `folder` that this machine can go on from; says why another is passed over.

    What is not gone on from is removed: it would count among the last that are kept.
    """
    for left in folder.glob("step-*.part"):  # of a save that was killed
        left.unlink()
    for path in _files(folder):
        found = _read(path)
        if found is None:
            say(f"  the checkpoint {path.name} is damaged and is passed over")
            path.unlink()
            continue
        if changed := found.origin.differs(Origin.here(device)):
            say(f"  training starts anew: its checkpoint after step {found.step} was made elsewhere ({changed})")
            for foreign in _files(folder):
                foreign.unlink()
            return None
        say(f"  training goes on after step {found.step}, in {found.choices.dtype} as before")
        return found
    return None


def random_states(group: Alone, device: str) -> dict[str, torch.Tensor]:
    """The states that dropout draws from, by name: uint8 tensors, every rank's."""
    every: dict[str, torch.Tensor] = {}
    for name, own in _random_state(device).items():
        every |= {_of_rank(name, rank): state for rank, state in enumerate(group.gathered(own))}
    return every


def set_random_states(tensors: Mapping[str, torch.Tensor], group: Alone, device: str) -> None:
    """Sets what `random_states` read."""
    torch.set_rng_state(tensors[_of_rank(_RANDOM, group.rank)])
    if device != "cpu":
        torch.get_device_module(device).set_rng_state(tensors[_of_rank(f"{_RANDOM}.{device}", group.rank)])


def _random_state(device: str) -> dict[str, torch.Tensor]:
    states = {_RANDOM: torch.get_rng_state()}
    return (
        states
        if device == "cpu"
        else {**states, f"{_RANDOM}.{device}": torch.get_device_module(device).get_rng_state()}
    )


def _of_rank(name: str, rank: int) -> str:
    return f"{name}.rank-{rank}" if rank else name


def trained_state(model: Any, optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """What trains in `model` and the optimiser's moments, by name; whole in the first of several ranks."""
    weights = {f"weight.{name}": collected(p.detach()) for name, p in model.named_parameters() if p.requires_grad}
    moments = {
        f"moment.{number}.{name}": collected(value.detach())
        for number, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }
    return weights | moments


def set_weights(model: Any, tensors: Mapping[str, torch.Tensor]) -> None:
    """Sets the weights that `trained_state` read, in place."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(like(tensors[f"weight.{name}"], parameter))


def set_trained_state(model: Any, optimiser: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Sets what `trained_state` read, in place."""
    set_weights(model, tensors)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("moment."):
            _, number, moment = name.split(".", 2)
            state.setdefault(int(number), {})[moment] = like(tensor, parameters[int(number)])
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


@contextlib.contextmanager
def preemption() -> Iterator[threading.Event]:
    """Within the block SIGTERM only sets the event, so that a step can end; after it SIGTERM does what it would have
    done."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield asked
        return
    former = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, former)
        if asked.is_set():  # what the process would have done, now that all is safe
            signal.raise_signal(signal.SIGTERM)


def _files(folder: Path) -> list[Path]:
    """Checkpoints, the newest first."""
    return sorted(folder.glob("step-*.safetensors"), reverse=True)


def _read(path: Path) -> Checkpoint | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            head = json.loads(file.metadata()["head"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        if head["digest"] != _digest(tensors):
            return None
        return Checkpoint(head["step"], Origin(**head["origin"]), Choices(**head["choices"]), head["counters"], tensors)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):  # TypeError: of another version's fields
        return None


def _digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """blake2b-128 of names and bytes: safetensors itself notices no flipped bit."""
    state = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        state.update(name.encode())
        state.update(tensors[name].cpu().reshape(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()
