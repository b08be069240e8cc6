"""Renders a conversation with the model's own chat template and knows who wrote each character of the result.

The template is rendered twice: with the true words, and with a placeholder in the place of each text. What stands
around the placeholders is the template's own; putting the words (trimmed where the template trims) back between must
give the true rendering to the character, or the row is not rendered at all. No search for an answer's text can then
hit the wrong place, and no special-token text inside the data is taken for the template's. Templates run in Jinja's
immutable sandbox, with the settings that transformers documents and without a clock, so that the same row renders
alike every day.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jinja2
import jinja2.ext
import jinja2.meta
import jinja2.nodes
import jinja2.sandbox

from tuneloom.errors import ConfigError
from tuneloom.records import canonical, digest
from tuneloom.text.personal_data import mask


@dataclass(frozen=True)
class Turn:
    """The characters `start:end` of a rendering that one assistant message is: its words and its end-of-turn token."""

    start: int
    end: int
    learnt: bool


@dataclass(frozen=True)
class Rendering:
    """A conversation as text. `controls` are the places of the template's own special tokens, `turns` the assistant's
    messages, `trimmed` counts messages whose outer white space the template dropped."""

    text: str
    controls: tuple[tuple[int, int], ...]
    turns: tuple[Turn, ...]
    trimmed: int = 0


@dataclass(frozen=True)
class Unrenderable:
    """Why a conversation has no rendering; `evidence` shows the place."""

    reason: str
    evidence: str


class ChatTemplate:
    """A template with the special tokens of its tokenizer.

    `named` are the tokens a template may call by name (`bos_token`, ...), `special` the texts of all special tokens.
    """

    def __init__(self, source: str, named: Mapping[str, str], special: Sequence[str]) -> None:
        self.source, self.named, self.special = source, dict(named), tuple(special)
        environment = self.environment = chat_environment()
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateSyntaxError as error:
            raise ConfigError(
                f"the chat template is not readable: {error.message}",
                where=f"chat template, line {error.lineno}: {source.splitlines()[error.lineno - 1][:200]!r}",
                remedy="Mend the tokenizer's chat template.",
            ) from error
        self._knows_tools = "tools" in jinja2.meta.find_undeclared_variables(environment.parse(source))
        self._special_pattern = re.compile(
            "|".join(re.escape(s) for s in sorted(special, key=len, reverse=True)) or "$^"
        )
        self._skeletons: dict[str, str | Unrenderable] = {}

    @property
    def digest(self) -> str:
        """Hash of the template and its named tokens."""
        return digest(canonical([self.source, self.named]))

    def render(
        self, messages: Sequence[Mapping[str, Any]], tools: str | None = None, *, prompt: bool = False
    ) -> Rendering | Unrenderable:
        """A conversation (dicts with the fields of `records.Message`) as text.

        `[{role: user, content: Hi}, {role: assistant, content: Yo}]` ->
        `<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\nYo<|im_end|>\\n`, one turn: `Yo<|im_end|>`.
        `prompt` adds the header that an assistant's answer follows.
        """
        try:
            said = [for_template(message) for message in messages]
            functions = json.loads(tools) if tools else None
        except (ValueError, KeyError, TypeError) as error:
            return Unrenderable("unreadable tools", f"{type(error).__name__}: {error}")
        if fault := self._cannot_say(said, functions):
            return fault
        text = self._text(said, functions, prompt)
        if isinstance(text, Unrenderable):
            return text
        skeleton = self._skeleton(said, functions, prompt)
        return skeleton if isinstance(skeleton, Unrenderable) else self._align(text, skeleton, said, messages)

    @cached_property
    def header(self) -> str:
        """What the template opens an assistant's turn with, as its generation prompt says; may be empty."""
        ask = [{"role": "user", "content": "x"}]
        without, with_it = self._text(ask, None, False), self._text(ask, None, True)
        if isinstance(without, str) and isinstance(with_it, str) and with_it.startswith(without):
            return with_it[len(without) :]
        return ""

    def _cannot_say(self, said: list[dict[str, Any]], functions: Any) -> Unrenderable | None:
        """Data that the template would drop, or be another template for."""
        if functions and not self._knows_tools:
            return Unrenderable("no place for tools", "the chat template does not read `tools`")
        if hit := next(filter(None, (self._special_pattern.search(message["role"]) for message in said)), None):
            return Unrenderable("special token in a role", hit.group())
        return None

    def _text(self, said: list[dict[str, Any]], functions: Any, prompt: bool) -> str | Unrenderable:
        # What a template raises that adds None to text, divides by 0, counts to 10 ** 9 or calls itself for ever.
        try:
            return self._template.render(
                messages=said, tools=functions, documents=None, add_generation_prompt=prompt, **self.named
            )
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
            return Unrenderable("template refused", f"{type(error).__name__}: {error}")

    def _skeleton(self, said: list[dict[str, Any]], functions: Any, prompt: bool) -> str | Unrenderable:
        """The rendering with placeholders; remembered by the conversation's shape where no tool is in play."""
        blank = [
            {**message, **{_FIELDS[kind]: _place(kind, i) for kind in "rc" if message.get(_FIELDS[kind])}}
            for i, message in enumerate(said)
        ]
        for i, message in enumerate(blank):
            for key in message.keys() - {"role", *_FIELDS.values()}:
                message[key] = self._literal(message[key])
            for j, call in enumerate(message.get("tool_calls", ())):
                call["function"]["name"] = _place(f"t{j}n", i)
        functions = self._literal(functions)
        if functions or any(message.keys() - {"role", *_FIELDS.values()} for message in said):
            return self._text(blank, functions, prompt)
        shape = canonical([blank, prompt])
        if shape not in self._skeletons:
            self._skeletons[shape] = self._text(blank, None, prompt)
        return self._skeletons[shape]

    def _literal(self, value: Any) -> Any:
        """A copy of tools, calls and names, a placeholder in the place of each special token's text: what data say is
        never the template's."""
        if isinstance(value, str):
            return self._special_pattern.sub(lambda hit: _place("z", self.special.index(hit.group())), value)
        if isinstance(value, Mapping):
            return {self._literal(key): self._literal(one) for key, one in value.items()}
        return [self._literal(one) for one in value] if isinstance(value, list) else value

    def _align(
        self, text: str, skeleton: str, said: list[dict[str, Any]], messages: Sequence[Mapping[str, Any]]
    ) -> Rendering | Unrenderable:
        """Walks text and skeleton side by side: template text must be equal, each placeholder be its words."""
        parts = _PLACE.split(skeleton)  # template text, kind, message, template text, ...
        controls, trimmed, seen, at = list(self._controls(parts[0], 0)), 0, [], len(parts[0])
        slots: dict[int, list[tuple[int, int, int]]] = {}  # message -> (start, end, template text begins) of its texts
        before = 0
        if not text.startswith(parts[0]):
            return Unrenderable("rendering depends on the words", parts[0][-80:])
        for k in range(1, len(parts), 3):
            kind, i, after = parts[k], int(parts[k + 1]), parts[k + 2]
            words = self._words(said, kind, i)
            last = k + 3 >= len(parts)
            found = next((w for w in _trims(words) if _fits(text, at, w + after, last)), None)
            if found is None:
                return Unrenderable("rendering depends on the words", mask(text[at:])[:80])
            if kind != "z":
                trimmed += found != words
                slots.setdefault(i, []).append((at, at + len(found), before))
                seen.append((kind, i))
            at += len(found)
            controls += self._controls(after, at)
            before, at = at, at + len(after)
        if lost := [i for i, m in enumerate(said) for kind in _kinds(m) if seen.count((kind, i)) != 1]:
            return Unrenderable("template drops or repeats words", f"message {lost[0] + 1} ({said[lost[0]]['role']})")
        turns = []
        for i, message in enumerate(messages):
            if message["role"] == "assistant" and i in slots:
                turn = self._turn(text, slots[i], controls, message.get("weight") != 0)
                if isinstance(turn, Unrenderable):
                    return turn
                turns.append(turn)
        return Rendering(text, tuple(controls), tuple(turns), trimmed)

    def _words(self, said: Sequence[Mapping[str, Any]], kind: str, number: int) -> str:
        """What a placeholder stands for; one that is no place of ours is text that the data brought."""
        try:
            if kind == "z":
                return self.special[number]
            message = said[number]
            if kind in _FIELDS:
                return message[_FIELDS[kind]]
            return message["tool_calls"][int(kind[1:-1])]["function"]["name"]
        except (LookupError, ValueError):
            return _place(kind, number)

    def _turn(
        self, text: str, slots: list[tuple[int, int, int]], controls: list[tuple[int, int]], learnt: bool
    ) -> Turn | Unrenderable:
        """From behind the header to behind the first special token after the words."""
        first, last = slots[0], slots[-1]
        opening = text.rfind(self.header, first[2], first[0]) if self.header else -1
        # Without a header the white space before the words is the answer's: tokens bind it to the first word.
        start = opening + len(self.header) if opening >= 0 else max(first[2], len(text[: first[0]].rstrip()))
        end = next((stop for begin, stop in controls if begin >= last[1]), None)
        if end is None:
            return Unrenderable("no end of turn", mask(text[last[1] :])[:80])
        return Turn(start, end, learnt)

    def _controls(self, template_text: str, at: int) -> Iterator[tuple[int, int]]:
        return ((at + m.start(), at + m.end()) for m in self._special_pattern.finditer(template_text))


_FIELDS = {"c": "content", "r": "reasoning_content"}
_PLACE = re.compile(r"WORDSx([a-z0-9]+)x(\d+)xHERE")


def _place(kind: str, message: int) -> str:
    return f"WORDSx{kind}x{message}xHERE"


def _kinds(message: Mapping[str, Any]) -> list[str]:
    """The texts of a message that must be rendered once; reasoning may be dropped, as templates do in history."""
    kinds = ["c"] if message["content"] else []
    return kinds + [f"t{j}n" for j in range(len(message.get("tool_calls", ())))]


def _trims(words: str) -> Iterator[str]:
    """The words as they are, then as templates trim them."""
    yield words
    yield from (words.strip(), words.rstrip(), words.lstrip())
    yield from (words.strip("\n"), words.rstrip("\n"), words.lstrip("\n"))


def _fits(text: str, at: int, piece: str, last: bool) -> bool:
    return text.startswith(piece, at) and (not last or at + len(piece) == len(text))


def for_template(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as chat templates expect it: only what it has, tool calls in OpenAI's shape."""
    said: dict[str, Any] = {"role": message["role"], "content": message["content"]}
    if message.get("name"):
        said["name"] = message["name"]
    if message.get("tool_call_id"):
        said["tool_call_id"] = message["tool_call_id"]
    if message.get("reasoning"):
        said["reasoning_content"] = message["reasoning"]
    if message.get("tool_calls"):
        calls = json.loads(message["tool_calls"])
        said["tool_calls"] = [_call(call) for call in (calls if isinstance(calls, list) else [calls])]
    return said


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    """`{"name": "f", "arguments": "{}"}` -> `{"type": "function", "function": {"name": "f", "arguments": {}}}`."""
    function = call.get("function", call)
    arguments = function.get("arguments", {})
    plain = json.loads(arguments) if isinstance(arguments, str) else arguments
    return {
        **({"id": call["id"]} if call.get("id") else {}),
        "type": "function",
        "function": {"name": function["name"], "arguments": plain},
    }


def chat_environment() -> jinja2.Environment:
    """The settings and functions that chat templates are written for (transformers' documentation)."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    return environment


def _tojson(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)


class _Generation(jinja2.ext.Extension):
    """Accepts `{% generation %}...{% endgeneration %}`, which some templates mark answers with; the block is kept."""

    tags = {"generation"}

    def parse(self, parser: Any) -> Any:
        """The block's body, unchanged."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.Scope(body).set_lineno(line)
