"""Proves that a chat template passes words on unseen, so that one rendering stands for all rows of its shape.

The template is rendered once with words that report whoever looks into them: they may be put out, joined to other text
and trimmed, and a template may ask whether a literal occurs in them (the answer is no, and becomes a condition). If it
does nothing else, the rendering with any other words that meet the conditions is the same but for the words. What text
could leave these words unreported (`~`, macros, most filters) is looked for in the template's syntax tree.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jinja2
from jinja2 import nodes

TRIMS: dict[str, Callable[[str], str]] = {
    "n": str, "s": str.strip, "l": str.lstrip, "r": str.rstrip,
    "S": lambda words: words.strip("\n"), "L": lambda words: words.lstrip("\n"), "R": lambda words: words.rstrip("\n"),
}  # fmt: skip
"""How words reach the text: as they are, or trimmed on both sides, on the left, on the right; capitals: of line breaks
alone, as Qwen 3's template does."""

_FILTERS = {"trim", "upper", "lower", "length", "first", "last", "list", "default", "tojson", "items"}
_TESTS = {"defined", "undefined", "none", "string", "mapping", "number", "boolean", "true", "false", "iterable"}
_METHODS = {"get", "items", "keys", "values"}
_OF_TEXT = {"strip", "lstrip", "rstrip", "startswith", "endswith", "split", "rsplit", "replace"}
"""Called with literals alone, they look into nothing but the text whose methods they are; and words report it."""
_FUNCTIONS = {"range", "namespace", "raise_exception", "dict"}
_HIDING = (
    nodes.AssignBlock, nodes.CallBlock, nodes.FilterBlock, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends,
    nodes.Macro, nodes.ScopedEvalContextModifier,
)  # fmt: skip


class Looked(Exception):
    """A template looked into the words."""


def place(field: str, message: int, trim: str = "n") -> str:
    """What stands for the words of a message's field: `place("c", 1)` -> `SLOTxcx1xnxEND`."""
    return f"SLOTx{field}x{message}x{trim}xEND"


class Words(str):
    """A placeholder that raises Looked when asked for anything but to be put out, joined, trimmed or searched."""

    absent: set[str]
    spot: tuple[str, int, str] | None

    @classmethod
    def of(cls, field: str, message: int, absent: set[str], trim: str = "n") -> "Words":
        """The words of a message's field; literals looked for are added to `absent`."""
        return cls._made(place(field, message, trim), absent, (field, message, trim))

    @classmethod
    def _made(cls, text: str, absent: set[str], spot: tuple[str, int, str] | None) -> "Words":
        words = str.__new__(cls, text)
        words.absent, words.spot = absent, spot
        return words

    def __str__(self) -> str:
        return self

    def __bool__(self) -> bool:
        return True  # a shape has words only where they are more than white space

    def __add__(self, other: str) -> "Words":
        return self._made(str.__add__(self, other), self.absent, None)

    def __radd__(self, other: str) -> "Words":
        return self._made(str.__add__(other, self), self.absent, None)

    def __contains__(self, literal: object) -> bool:
        return self._looked_for(literal)

    def startswith(self, literal: Any, *range_: Any) -> bool:
        """No, on the condition that the literal occurs nowhere in the words."""
        return self._looked_for(literal, *range_)

    def endswith(self, literal: Any, *range_: Any) -> bool:
        """No, on the condition that the literal occurs nowhere in the words."""
        return self._looked_for(literal, *range_)

    def strip(self, letters: Any = None) -> "Words":
        """The words trimmed on both sides."""
        return self._trimmed("s", letters)

    def lstrip(self, letters: Any = None) -> "Words":
        """The words trimmed on the left."""
        return self._trimmed("l", letters)

    def rstrip(self, letters: Any = None) -> "Words":
        """The words trimmed on the right."""
        return self._trimmed("r", letters)

    def _looked_for(self, literal: object, *more: Any) -> bool:
        if self.spot is None or more or type(literal) is not str or not literal:
            raise Looked
        self.absent.add(literal)
        return False

    def _trimmed(self, trim: str, letters: Any) -> "Words":
        if self.spot is None or letters not in (None, "\n"):
            raise Looked
        field, message, before = self.spot
        wanted = trim if letters is None else trim.upper()
        if before in ("n", wanted):
            return Words.of(field, message, self.absent, wanted)
        if not {before, wanted} <= {"s", "l", "r"}:
            raise Looked
        return Words.of(field, message, self.absent, "s")


def _look(*_: Any, **__: Any) -> Any:
    raise Looked


_OPEN = {"__new__", "__init__", "__class__", "__getattribute__", "__init_subclass__", "__subclasshook__", "__doc__"}
_OPEN |= {"__setattr__", "__delattr__", "__dir__", "__reduce__", "__reduce_ex__", "__getstate__", "__sizeof__"}
for _name in {*dir(str), "__rmod__", "__iter__"} - _OPEN - set(vars(Words)):
    setattr(Words, _name, _look)


def render_unseen(environment: jinja2.Environment, source: str, said: Sequence[Any], **more: Any) -> str | None:
    """The rendering of messages that hold `Words`; None where the template may look into them."""
    tree = environment.parse(source)
    if not _shows_all(tree):
        return None
    watching = environment.overlay()
    watching.filters = {**environment.filters, "tojson": _watching(environment.filters["tojson"])}
    try:
        return watching.from_string(source).render(messages=said, tools=None, documents=None, **more)
    except (Looked, jinja2.TemplateError, TypeError):
        return None


def _shows_all(tree: nodes.Template) -> bool:
    """Whether words can go nowhere in this template unreported."""
    if next(tree.find_all(_HIDING), None) is not None:
        return False
    put_out = {id(node) for output in tree.find_all(nodes.Output) for node in output.nodes}
    return (
        all(filter_.name in _FILTERS for filter_ in tree.find_all(nodes.Filter))
        and all(test.name in _TESTS for test in tree.find_all(nodes.Test))
        and all(map(_known, tree.find_all(nodes.Call)))
        and all(id(concat) in put_out for concat in tree.find_all(nodes.Concat))
        and all(map(_asks_openly, tree.find_all(nodes.Compare)))
    )


def _known(call: nodes.Call) -> bool:
    if isinstance(call.node, nodes.Getattr):
        literal = all(isinstance(one, nodes.Const) for one in call.args) and not (call.kwargs or call.dyn_args)
        return call.node.attr in _METHODS or (call.node.attr in _OF_TEXT and literal and not call.dyn_kwargs)
    return isinstance(call.node, nodes.Name) and call.node.name in _FUNCTIONS


def _asks_openly(compare: nodes.Compare) -> bool:
    """`x in "text"` would search the text without asking x; `"text" in x` and `x in ["text"]` ask."""
    sets = (nodes.List, nodes.Tuple)
    return all(
        operand.op not in ("in", "notin") or isinstance(compare.expr, nodes.Const) or isinstance(operand.expr, sets)
        for operand in compare.ops
    )


def _watching(tojson: Callable[..., str]) -> Callable[..., str]:
    def watched(value: Any, *options: Any, **named: Any) -> str:
        _no_words(value)
        return tojson(value, *options, **named)

    return watched


def _no_words(value: Any) -> None:
    if isinstance(value, Words):
        raise Looked
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        for one in value:
            _no_words(one)
