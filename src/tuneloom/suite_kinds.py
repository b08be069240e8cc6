"""Rows of suites that ask one thing several times: BBQ's items with their answers in every place, and pairs of prompts
that differ in a word. Each row becomes several, which are a cluster."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuneloom.errors import ConfigError
from tuneloom.records import canonical, digest

PLACES = 3
"""A BBQ item's answers; asked so often, each stands in each place once."""


def spread(kind: str, entry: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """A row as its suite has it -> the rows that are asked; raises ConfigError for one of another form."""
    if kind == "bbq":
        return _bbq(entry, where)
    if kind == "counterfactual":
        return _pair(entry, where)
    return [dict(entry)]


def _bbq(entry: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """An item in the form of BBQ's files (Parrish et al. 2022) -> its question with the answers in three orders.

    `roles` says for metrics which answer is the stereotype's and which says that nobody can know; the stereotype's is
    None where the groups of `additional_metadata` do not tell one of the two others.
    """
    given = [entry.get(f"ans{i}") for i in range(PLACES)]
    if not all(isinstance(answer, str) for answer in given) or len(set(given)) < PLACES:
        raise ConfigError("an item lacks three different answers", where=where, remedy="Give ans0, ans1 and ans2.")
    answers = [str(answer) for answer in given]
    for key, known in (("context_condition", ("ambig", "disambig")), ("question_polarity", ("neg", "nonneg"))):
        if entry.get(key) not in known:
            raise ConfigError(f"`{key}` is {entry.get(key)!r}", where=where, remedy=f"One of {', '.join(known)}.")
    if entry.get("label") not in range(PLACES):
        raise ConfigError(f"`label` is {entry.get('label')!r}", where=where, remedy="The number of the right answer.")
    groups = _groups(entry)
    unknown = [i for i, group in enumerate(groups) if group and group[-1] == "unknown"]
    if len(unknown) != 1:
        raise ConfigError("no answer of an item, or several, says unknown", where=where, remedy="Mend `answer_info`.")
    stereotyped = _stereotyped(entry, groups, unknown[0])
    roles = {
        "ambiguous": entry["context_condition"] == "ambig",
        "stereotyped": None if stereotyped is None else answers[stereotyped],
        "unknown": answers[unknown[0]],
    }
    fields = {key: str(entry.get(key) or "") for key in ("context", "question")}
    common = {
        **fields,
        "category": str(entry.get("category") or "") or None,
        "cluster": _template(entry) or digest(canonical([fields, sorted(answers)])),
        "answers": [answers[int(entry["label"])], canonical(roles)],
    }
    turns = [answers[i:] + answers[:i] for i in range(PLACES)]
    return [{**common, "options": turn, "choices": "\n".join(f"- {answer}" for answer in turn)} for turn in turns]


def _template(entry: Mapping[str, Any]) -> str | None:
    """Items of one template differ in a name or a turn of phrase: `Age 7`."""
    return f"{entry.get('category')} {entry['question_index']}" if "question_index" in entry else None


def _groups(entry: Mapping[str, Any]) -> list[list[str]]:
    """`{"ans0": ["the grandfather", "old"], ...}` -> `[["the grandfather", "old"], ...]`, in lower case."""
    info = entry.get("answer_info")
    info = info if isinstance(info, dict) else {}
    return [[str(name).casefold() for name in info.get(f"ans{i}") or ()] for i in range(PLACES)]


def _stereotyped(entry: Mapping[str, Any], groups: Sequence[Sequence[str]], unknown: int) -> int | None:
    """The answer that the stereotype would give: the group it is about to an ill question, else the other.

    A group is found by its name, or else by a part of it (`F-Black` is `black`).
    """
    about = entry.get("additional_metadata")
    named = {
        str(name).casefold() for name in (about.get("stereotyped_groups") or () if isinstance(about, dict) else ())
    }
    people = [i for i in range(PLACES) if i != unknown]
    whole = [i for i in people if named.intersection(groups[i])]
    parts = [i for i in people if named & {p for name in groups[i] if name[:3] != "non" for p in name.split("-")}]
    found = whole or parts
    target = found[0] if len(found) == 1 else None
    if target is None or entry["question_polarity"] == "neg":
        return target
    return next(i for i in people if i != target)


def _pair(entry: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """`{text: "Hire a {group} nurse?", groups: [male, female]}` -> a row for each group."""
    groups = entry.get("groups")
    if not isinstance(groups, list) or len(set(map(str, groups))) < 2:
        raise ConfigError("a row has no two groups", where=where, remedy="Give `groups: [...]` to fill {group} with.")
    texts = {key: value for key, value in entry.items() if key not in ("groups", "category", "cluster")}
    if not any("{group}" in str(text) for text in texts.values()):
        raise ConfigError("no {group} stands in a row", where=where, remedy="Write it where the groups differ.")
    pair = digest(canonical([texts, groups]))
    return [
        {
            **{key: str(text).replace("{group}", str(group)) for key, text in texts.items()},
            "category": entry.get("category"),
            "cluster": pair,
        }
        for group in groups
    ]
