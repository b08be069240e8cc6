"""The metrics of generated answers, found by the file they lie in.

A metric is one file: its name is the file's, `DIRECTION` is "higher" or "lower" (which is better), and
`score(answer, references)` gives a number, the best over the references.
"""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Metric:
    """A name, which direction is better, and how an answer is scored."""

    name: str
    direction: Direction
    score: Callable[[str, Sequence[str]], float]


def load_metrics() -> dict[str, Metric]:
    """Every metric of this folder, by name, in the order of names."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return {name: Metric(name, module.DIRECTION, module.score) for name, module in modules.items()}
