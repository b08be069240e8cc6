"""What a format says of its plainest rows: which columns of text are the prompt, the answer and the fields.

Rows of such columns alone can be converted a block at a time (express.py).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

Names = tuple[str, ...]
"""What sources call one and the same column."""


@dataclass(frozen=True)
class Plain:
    """The user's words are those of `prompt` that say something, a blank line between; the assistant's are `answer`.
    `fields` are made of columns of the prompt in the same way; in `given` a mark may stand for no input.

    Plain(prompt=(("instruction",), ("input",)), answer=("output",), fields={"input": (("input",),)})
    """

    prompt: tuple[Names, ...]
    answer: Names
    fields: Mapping[str, tuple[Names, ...]] = field(default_factory=dict)
    given: Names = ()

    def columns(self, present: Collection[str]) -> "Columns | None":
        """Where its columns lie in a row of the names `present`; None where such a row is not plain: a prompt or an
        answer is missing, one column goes by two names, or there are other columns."""
        wanted = (*self.prompt, self.answer)
        found = [[name for name in names if name in present] for names in wanted]
        if any(len(names) > 1 for names in found) or not found[-1] or not any(found[:-1]):
            return None
        names = tuple(name for names in found for name in names)
        if set(names) != set(present) or len(names) != len(present):
            return None

        def places(parts: tuple[Names, ...]) -> tuple[int, ...]:
            return tuple(i for part in parts for i, name in enumerate(names) if name in part)

        fields = {name: places(parts) for name, parts in self.fields.items()}
        if fields:
            fields["answer"] = places((self.answer,))
        given = frozenset(i for i, name in enumerate(names) if name in self.given)
        return Columns(names, {name: fields[name] for name in sorted(fields) if fields[name]}, given)


@dataclass(frozen=True)
class Columns:
    """The columns of a file's plain rows: those of the prompt in order, then the answer; places in `names` of what each
    field is made of, the fields in order; and which columns may hold a mark for no input."""

    names: tuple[str, ...]
    fields: Mapping[str, tuple[int, ...]]
    given: frozenset[int]
