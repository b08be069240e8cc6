"""A Jinja for templates that anyone may have written: no attributes of Python's, no clock, bounded work and output.

Jinja's immutable sandbox keeps code in; it does not keep a template from looping or growing for ever. Here loops and
macros count their steps, every text that is put out, joined or multiplied its length, and every list and filter the
size of what it makes, so that the same template with the same row fails at the same place on every machine, which a
limit in seconds would not.
"""

import functools
import traceback
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jinja2
import jinja2.ext
import jinja2.filters
import jinja2.meta
import jinja2.nodes
import jinja2.sandbox
import jinja2.visitor

from tuneloom.records import canonical

MOST_STEPS = 20_000
"""Turns of loops and calls of macros in one rendering."""
MOST_CHARACTERS = 1_000_000
"""Text that one rendering puts out, blocks that are only remembered included."""
MOST_MADE = 2_000_000
"""Characters and values in all that a rendering's lists and filters make."""
MOST_BITS = 4_096
"""Of a product of whole numbers."""
FILTERS = frozenset([
    "capitalize", "d", "default", "first", "int", "items", "join", "last", "length", "count", "list", "lower", "map",
    "reject", "rejectattr", "replace", "reverse", "round", "select", "selectattr", "sort", "string", "title", "tojson",
    "trim", "unique", "upper",
])  # fmt: skip
"""What remains of Jinja's filters: nothing that pads, repeats or marks up."""

_BINARY = frozenset(["+", "*", "**", "%"])


class TooMuch(jinja2.TemplateError):
    """A template that loops or grows beyond the limits."""


class Sandbox(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """`Sandbox().template("{{ text | upper }}").render({"text": "hi"})` -> "HI"."""

    intercepted_binops = _BINARY

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
            finalize=self._put_out,
            extensions=[jinja2.ext.loopcontrols],
        )
        own = {"join": self._join_with, "replace": self._replace, "round": _round, "tojson": canonical}
        self.filters = {name: self._measuring(own.get(name, self.filters[name])) for name in FILTERS}
        counting = {_STEP: self._step, _JOIN: self._join, _MADE: self._made}
        self.globals = {"range": _range, "namespace": self.globals["namespace"], **counting}
        self.begin()

    def template(self, source: str) -> "Limited":
        """A template. Raises jinja2.TemplateSyntaxError where there is none."""
        return Limited(self, source)

    def begin(self) -> None:
        """A new rendering has its limits to itself."""
        self._steps = self._characters = self._size = 0

    def _parse(self, source: str, name: str | None, filename: str | None) -> jinja2.nodes.Template:
        return _Counting().visit(super()._parse(source, name, filename))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic; text and numbers may only grow within the limits, and `%` does not format."""
        sized = [value for value in (left, right) if isinstance(value, Sequence)]
        if operator == "%" and isinstance(left, str):
            raise TooMuch("`%` on text is not allowed; write {{ }}")
        if operator == "**" and max(abs(left), abs(right)) > 1000:
            raise TooMuch(f"{left} ** {right} is too large")
        if operator == "*" and sized:
            times = right if sized[0] is left else left
            self._grow(_size(sized[0]) * max(0, times))
        elif operator == "*" and all(isinstance(value, int) for value in (left, right)):
            if left.bit_length() + right.bit_length() > MOST_BITS:
                raise TooMuch(f"a product of more than {MOST_BITS:,} bits")
        elif sized:
            self._grow(sum(map(_size, sized)))
        return super().call_binop(context, operator, left, right)

    def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Calls of methods, too, may not pad: `"a".ljust(10 ** 9)`."""
        if any(isinstance(value, int) and abs(value) > MOST_CHARACTERS for value in (*args, *kwargs.values())):
            raise TooMuch("a number in a call is too large")
        return super().call(context, obj, *args, **kwargs)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Of a text's methods none that formats or pads."""
        return attr not in _PADDING and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Formatting can pad: `"{:999999999}".format(1)`."""
        if isinstance(value, _METHODS) and value.__name__ in ("format", "format_map"):
            raise jinja2.sandbox.SecurityError("texts are not formatted; write {{ }}")

    def _replace(self, text: str, old: str, new: str) -> str:
        self._grow(len(text) + text.count(old) * len(new))
        return text.replace(old, new)

    def _join_with(self, values: Iterable[Any], between: str = "") -> str:
        texts = []
        for value in values:
            texts.append(str(value))
            self._grow(len(texts[-1]) + len(between))
        return between.join(texts)

    def _measuring(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The filter; what it makes is measured."""

        @functools.wraps(function)  # and with that what Jinja's decorators wrote on it
        def measuring(*args: Any, **kwargs: Any) -> Any:
            return self._made(function(*args, **kwargs))

        return measuring

    def _made(self, value: Any) -> Any:
        """The value; a list of lists, twice itself at every turn, would take for ever to compare or to write."""
        self._size += _size(value)
        if self._size > MOST_MADE:
            raise TooMuch(f"lists and filters make more than {MOST_MADE:,} characters and values")
        return value

    def _step(self) -> str:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise TooMuch(f"more than {MOST_STEPS:,} turns of its loops")
        return ""

    def _join(self, *values: Any) -> str:
        text = "".join(str(value) for value in values)
        self._grow(len(text))
        return text

    def _put_out(self, value: Any) -> Any:
        if value is None:
            raise jinja2.UndefinedError("puts out None")
        text = value if isinstance(value, str | jinja2.Undefined) else str(value)
        if isinstance(text, str):
            self._grow(len(text))
        return text

    def _grow(self, length: int) -> None:
        self._characters += length
        if self._characters > MOST_CHARACTERS:
            raise TooMuch(f"more than {MOST_CHARACTERS:,} characters")


class Limited:
    """A template of a sandbox; `variables` are the names that it reads."""

    def __init__(self, sandbox: Sandbox, source: str) -> None:
        self._sandbox = sandbox
        self.variables = frozenset(jinja2.meta.find_undeclared_variables(sandbox.parse(source)) - _COUNTING)
        self._template = sandbox.from_string(source)

    def render(self, values: Mapping[str, Any]) -> str:
        """The text. Raises Failed with the line for whatever goes wrong."""
        self._sandbox.begin()
        # A template can raise what any code can: it is told with its place, never passed on.
        try:
            return self._template.render(values)
        except Exception as error:
            raise Failed(_line(error), f"{type(error).__name__}: {error}") from error


class Failed(Exception):
    """A rendering that did not come to its end: `line` (1 is the first) and `why`."""

    def __init__(self, line: int | None, why: str) -> None:
        super().__init__(why)
        self.line, self.why = line, why


_STEP, _JOIN, _MADE = "__step__", "__join__", "__made__"
_COUNTING = frozenset([_STEP, _JOIN, _MADE])
_PADDING = frozenset([
    "ljust", "rjust", "center", "zfill", "expandtabs", "translate", "encode", "replace", "join", "fromkeys", "to_bytes",
])  # fmt: skip
_METHODS = (types.MethodType, types.BuiltinMethodType)


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > MOST_STEPS:
        raise TooMuch(f"a range of {len(made):,} numbers")
    return made


def _round(value: float, precision: int = 0, method: Any = "common") -> float:
    if abs(precision) > 100:  # ten to that power is computed
        raise TooMuch(f"rounds to {precision:,} places")
    return jinja2.filters.do_round(value, precision, method)


def _size(value: Any) -> int:
    """Characters and values that `value` holds, those it holds twice counted twice; no more than the limit is counted.

    ["ab", ["c"]] -> 6
    """
    size, left = 0, [value]
    while left and size <= MOST_MADE:
        one = left.pop()
        size += 1 + (len(one) if isinstance(one, str | bytes) else 0)
        if isinstance(one, Mapping):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            left += one
    return size


def _line(error: BaseException) -> int | None:
    """The template's line, which Jinja writes into the traceback: the last frame that is a template's."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == "<template>"]
    return lines[-1] if lines else None


class _Counting(jinja2.visitor.NodeTransformer):
    """Puts a step into the body of each loop and macro; joins texts and makes lists by functions that count."""

    def visit_For(self, node: jinja2.nodes.For, *args: Any) -> jinja2.nodes.For:  # noqa: N802
        return self._counted(node)

    def visit_Macro(self, node: jinja2.nodes.Macro, *args: Any) -> jinja2.nodes.Macro:  # noqa: N802
        return self._counted(node)

    def visit_CallBlock(self, node: jinja2.nodes.CallBlock, *args: Any) -> jinja2.nodes.CallBlock:  # noqa: N802
        return self._counted(node)

    def visit_Concat(self, node: jinja2.nodes.Concat, *args: Any) -> jinja2.nodes.Call:  # noqa: N802
        """`a ~ b` -> `__join__(a, b)`."""
        self.generic_visit(node)
        return _call(_JOIN, node.nodes, node.lineno)

    def visit_List(self, node: jinja2.nodes.List, *args: Any) -> jinja2.nodes.Call:  # noqa: N802
        """`[a, b]` -> `__made__([a, b])`."""
        return self._measured(node)

    def visit_Dict(self, node: jinja2.nodes.Dict, *args: Any) -> jinja2.nodes.Call:  # noqa: N802
        return self._measured(node)

    def visit_Tuple(self, node: jinja2.nodes.Tuple, *args: Any) -> jinja2.nodes.Node:  # noqa: N802
        return self._measured(node) if node.ctx == "load" else node

    def visit_Name(self, node: jinja2.nodes.Name, *args: Any) -> jinja2.nodes.Node:  # noqa: N802
        """A macro's surplus arguments are a list, too."""
        return self._measured(node) if node.ctx == "load" and node.name in ("varargs", "kwargs") else node

    def _measured(self, node: Any) -> jinja2.nodes.Call:
        self.generic_visit(node)
        return _call(_MADE, [node], node.lineno)

    def _counted(self, node: Any) -> Any:
        self.generic_visit(node)
        step = jinja2.nodes.Output([_call(_STEP, [], node.lineno)]).set_lineno(node.lineno)
        node.body = [step, *node.body]
        return node


def _call(name: str, args: list[Any], line: int) -> jinja2.nodes.Call:
    function = jinja2.nodes.Name(name, "load").set_lineno(line)
    call = jinja2.nodes.Call(function, args, [], None, None)
    call.set_lineno(line)
    return call
