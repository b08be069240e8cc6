"""The metrics of answers, found by the file they lie in.

A metric is one file: its name is the file's, `DIRECTION` says whether "higher" or "lower" is better, `INTERVAL` how
sure a score is: "share" of right answers (Wilson, McNemar), "mean" of the items, or "corpus", where sums over all
items decide. `LARGEST` is the best or worst possible score, 1 where it is not named. It has one of

    score(answer, references) -> float | None         a mean or share; None where no answer can be found in the text
    measure(answer, references, about) -> list        a corpus metric: numbers of an item that are summed,
    combine(sums) -> scores                           and sums float64 (r, k) -> scores float64 (r,)

and may have `signature(language)`, the name of the setting in which its scores can be compared; the verdict shows it.

A file whose name begins with an underscore is shared by metrics and is none. A user's own lie beside the config, which
names them in `plugins`; they come with the suites that name them.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from tuneloom.errors import ConfigError
from tuneloom.plugin_files import broken_plugin, load_plugin
from tuneloom.suites import OwnMetric

Direction = Literal["higher", "lower"]
Sureness = Literal["share", "mean", "corpus"]


@dataclass(frozen=True)
class About:
    """What a corpus metric may know of an item besides its references."""

    language: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scored:
    """An item's score, the numbers that a corpus metric sums, and whether no answer was found in the text."""

    value: float
    parts: tuple[float, ...] | None = None
    failed: bool = False


@dataclass(frozen=True)
class Metric:
    """A name, which direction is better, and how answers are scored."""

    name: str
    direction: Direction
    interval: Sureness
    largest: float
    score: Callable[[str, Sequence[str]], float | None] | None
    measure: Callable[[str, Sequence[str], About], list[float]] | None
    combine: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None
    signature: Callable[[str | None], str] | None = None

    def of(self, answer: str, references: Sequence[str], about: About) -> Scored:
        """One answer's score; where none can be found in it, it is wrong, and said to be so."""
        if self.measure and self.combine:
            parts = self.measure(answer, references, about)
            return Scored(float(self.combine(np.array([parts], np.float64))[0]), tuple(parts))
        found = cast(Callable[[str, Sequence[str]], float | None], self.score)(answer, references)
        return Scored(0.0, failed=True) if found is None else Scored(float(found))

    def wrong(self, references: Sequence[str], about: About) -> Scored:
        """What an answer that does not count gets: that of no words at all."""
        if self.measure:
            return self.of("", references, about)
        return Scored(0.0 if self.direction == "higher" else self.largest)


def load_metrics(own: Iterable[OwnMetric] = ()) -> dict[str, Metric]:
    """Every metric of this folder, by name, in the order of names, then the user's `own`.

    Raises ConfigError for one of those that lacks a part, has a name of ours, or cannot be loaded.
    """
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    found = {name: _metric(name, importlib.import_module(f"{__name__}.{name}")) for name in names}
    return found | {one.name: _own(one, names) for one in own}


_PARTS = ("score", "measure", "combine", "signature")


def _metric(name: str, module: ModuleType) -> Metric:
    parts = (getattr(module, part, None) for part in _PARTS)
    return Metric(name, module.DIRECTION, module.INTERVAL, float(getattr(module, "LARGEST", 1.0)), *parts)


def _own(metric: OwnMetric, taken: Sequence[str]) -> Metric:
    path = Path(f"{metric.name}.py")
    if metric.name in taken:
        raise _faulty(path, f"the metric {metric.name!r} comes with Tuneloom", "Rename the file.")
    module = load_plugin(path, metric.text)
    for name, known in (("DIRECTION", get_args(Direction)), ("INTERVAL", get_args(Sureness))):
        if (given := getattr(module, name, None)) not in known:
            raise _faulty(path, f"{name} is {given!r}", f"One of {', '.join(known)}.")
    needed = ("measure", "combine") if module.INTERVAL == "corpus" else ("score",)
    if lacking := [name for name in needed if not callable(getattr(module, name, None))]:
        raise _faulty(path, f"it has no function `{lacking[0]}`", "docs/evaluation.md shows one of each kind.")
    guarded = ModuleType(module.__name__)
    vars(guarded).update(vars(module))
    for part in _PARTS:
        if callable(function := getattr(module, part, None)):
            setattr(guarded, part, _guarded(path, function))
    return _metric(metric.name, guarded)


def _guarded(path: Path, function: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*about: Any) -> Any:
        try:
            return function(*about)
        except Exception as error:  # a user's code: whatever it raises is told with its line
            raise broken_plugin(path, "fails on an answer", error) from error

    return guarded


def _faulty(path: Path, what: str, remedy: str) -> ConfigError:
    return ConfigError(f"{path.name} is no metric: {what}", where=f"plugins: {path}", remedy=remedy)
