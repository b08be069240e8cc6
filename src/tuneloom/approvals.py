"""What a run waits for, and what a person decided: a document of the store for each artifact that exceeds a budget.

    STORE/approvals/<key>.json   {"run", "artifact", "asked": [...], "approved": [...], "reviewer", "time", "reason"}

An approval is of what was asked, word for word: where the data change, there is another artifact to ask for. What is
asked names rows by origin and says none of their words.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from tuneloom.artifacts import Reference, Store
from tuneloom.errors import ConfigError


@dataclass(frozen=True)
class Approval:
    """`asked` is what a run stopped for, `approved` what a person let pass; the rest is None until then."""

    run: str
    artifact: str
    asked: tuple[str, ...]
    approved: tuple[str, ...] = ()
    reviewer: str | None = None
    time: str | None = None
    reason: str | None = None


def read_approval(store: Store, artifact: Reference) -> Approval | None:
    """What is known of an artifact; None where nobody asked. A damaged document counts as none: it is asked again."""
    return _parse(store.documents.read(_place(artifact.key)))


def ask(store: Store, artifact: Reference, run: str, what: Sequence[str]) -> None:
    """Notes what a run waits for; what was approved before stays."""
    before = read_approval(store, artifact) or Approval(run, str(artifact), ())
    _write(store, replace(before, run=run, asked=tuple(what)))


def approve(store: Store, run: str, reviewer: str, time: str, reason: str) -> Approval:
    """Lets pass all that the run of that identity waits for. Raises ConfigError where it waits for nothing."""
    for text in store.documents.newest("approvals"):
        found = _parse(text)
        if found and found.run == run and set(found.asked) - set(found.approved):
            approved = tuple(dict.fromkeys([*found.approved, *found.asked]))
            return _write(store, replace(found, approved=approved, reviewer=reviewer, time=time, reason=reason))
    raise ConfigError(
        f"run {run[:12]} waits for no approval",
        where=store.url,
        remedy="A run asks where it exceeds a budget and `budgets.on_breach` is `ask`.",
    )


def waiting(store: Store) -> Iterator[str]:
    """The artifacts, `dedup/5d41...`, that somebody has yet to let pass."""
    for text in store.documents.newest("approvals"):
        found = _parse(text)
        if found and set(found.asked) - set(found.approved):
            yield found.artifact


def _write(store: Store, approval: Approval) -> Approval:
    place = _place(approval.artifact.rpartition("/")[2])
    store.documents.write(place, json.dumps(asdict(approval), ensure_ascii=False, indent=1))
    return approval


def _place(key: str) -> str:
    return f"approvals/{key}.json"


def _parse(text: str | None) -> Approval | None:
    try:
        tree = json.loads(text or "")
        return Approval(**{**tree, "asked": tuple(tree["asked"]), "approved": tuple(tree["approved"])})
    except (ValueError, TypeError, KeyError):
        return None
