"""The metrics of answers, found by the file they lie in.

A metric is one file: its name is the file's, `DIRECTION` says whether "higher" or "lower" is better, `INTERVAL` how
sure a score is: "share" of right answers (Wilson, McNemar), "mean" of the items, or "corpus", where sums over all
items decide. `LARGEST` is the best or worst possible score, 1 where it is not named. It has one of

    score(answer, references) -> float | None         a mean or share; None where no answer can be found in the text
    measure(answer, references, about) -> list        a corpus metric: numbers of an item that are summed,
    combine(sums) -> scores                           and sums float64 (r, k) -> scores float64 (r,)

and may have `signature(language)`, the name of the setting in which its scores can be compared; the verdict shows it.
Further it may have

    applies(references) -> bool          whether it is of an item at all: over-refusal is of harmless prompts alone
    across(answers) -> float             in place of `score`: one score of all answers of a cluster, the first item's
    missing() -> str | None              why nothing can be measured on this machine
    NEEDS = ("refusal", 0.05)            it says nothing of a model whose other metric is below
    UNDEFINED = "nothing was answered"   what it means that `combine` gives NaN: no number, and so never one

Where a metric cannot be assessed, verdict and table say so, with the reason (`evaluate/assessable.py`).

A file whose name begins with an underscore is shared by metrics and is none. A user's own lie beside the config, which
names them in `plugins`; they come with the suites that name them.
"""

import importlib
import math
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
from tuneloom.suites import OwnMetric, SuiteRow

Direction = Literal["higher", "lower"]
Sureness = Literal["share", "mean", "corpus"]


@dataclass(frozen=True)
class About:
    """What a corpus metric may know of an item besides its references."""

    language: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scored:
    """An item's score (None where a corpus metric has none of one item), the numbers that a corpus metric sums, and
    whether no answer was found in the text."""

    value: float | None
    parts: tuple[float, ...] | None = None
    failed: bool = False


@dataclass(frozen=True)
class Metric:
    """A name, which direction is better, and how answers are scored."""

    name: str
    direction: Direction
    interval: Sureness
    largest: float | None
    score: Callable[[str, Sequence[str]], float | None] | None
    measure: Callable[[str, Sequence[str], About], list[float]] | None
    combine: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None
    signature: Callable[[str | None], str] | None = None
    across: Callable[[Sequence[str | None]], float] | None = None
    applies: Callable[[Sequence[str]], bool] = lambda references: True
    missing: Callable[[], str | None] = lambda: None
    needs: tuple[str, float] | None = None
    undefined: str = "its score is not defined"

    def of(self, answer: str, references: Sequence[str], about: About) -> Scored:
        """One answer's score; where none can be found in it, it is wrong, and said to be so."""
        if self.measure and self.combine:
            parts = self.measure(answer, references, about)
            value = float(self.combine(np.array([parts], np.float64))[0])
            return Scored(None if math.isnan(value) else value, tuple(parts))
        found = cast(Callable[[str, Sequence[str]], float | None], self.score)(answer, references)
        return Scored(self.wrong(references, about).value, failed=True) if found is None else Scored(float(found))

    def count(self, rows: Sequence[SuiteRow]) -> int:
        """How many scores it has of a suite's rows."""
        if self.across:
            return len({row.cluster for row in rows})
        return sum(self.applies(row.references) for row in rows)

    def wrong(self, references: Sequence[str], about: About) -> Scored:
        """What an answer that does not count gets: that of no words at all."""
        if self.measure:
            return self.of("", references, about)
        return Scored(0.0 if self.direction == "higher" else (self.largest or 1.0))


_MORE = ("signature", "across", "applies", "missing", "NEEDS", "UNDEFINED")


def load_metrics(own: Iterable[OwnMetric] = ()) -> dict[str, Metric]:
    """Every metric of this folder, by name, in the order of names, then the user's `own`.

    Raises ConfigError for one of those that lacks a part, has a name of ours, or cannot be loaded.
    """
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    found = {name: _metric(name, importlib.import_module(f"{__name__}.{name}")) for name in names}
    return found | {one.name: _own(one, names) for one in own}


_FUNCTIONS = ("score", "measure", "combine", "signature", "across", "applies", "missing")


def _metric(name: str, module: ModuleType) -> Metric:
    own: dict[str, Any] = {part: getattr(module, part, None) for part in ("score", "measure", "combine")}
    more = {part.lower(): getattr(module, part) for part in _MORE if hasattr(module, part)}
    largest = getattr(module, "LARGEST", 1.0)
    return Metric(name, module.DIRECTION, module.INTERVAL, None if largest is None else float(largest), **own, **more)


def _own(metric: OwnMetric, taken: Sequence[str]) -> Metric:
    path = Path(f"{metric.name}.py")
    if metric.name in taken:
        raise _faulty(path, f"the metric {metric.name!r} comes with Tuneloom", "Rename the file.")
    module = load_plugin(path, metric.text)
    for name, known in (("DIRECTION", get_args(Direction)), ("INTERVAL", get_args(Sureness))):
        if (given := getattr(module, name, None)) not in known:
            raise _faulty(path, f"{name} is {given!r}", f"One of {', '.join(known)}.")
    needed = ("measure", "combine") if module.INTERVAL == "corpus" else ("score",)
    needed = ("across",) if hasattr(module, "across") else needed
    if lacking := [name for name in needed if not callable(getattr(module, name, None))]:
        raise _faulty(path, f"it has no function `{lacking[0]}`", "docs/evaluation.md shows one of each kind.")
    guarded = ModuleType(module.__name__)
    vars(guarded).update(vars(module))
    for part in _FUNCTIONS:
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
