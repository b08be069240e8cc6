"""What is known about a conversation besides its words: task, category, language, kind, licence, use, meta.

A row's own word comes first, then its format's, then the source's in the config, then detection.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from tuneloom.config import Source
from tuneloom.ingest.languages import language_code
from tuneloom.ingest.licenses import stated
from tuneloom.ingest.readers.opening import stem
from tuneloom.ingest.row import Row
from tuneloom.records import Conversation
from tuneloom.text.kind import detect_kind
from tuneloom.text.language import detect_languages

LOOKED_AT = 2_000
"""Characters that language and kind are told by."""
_KINDS = ("natural", "code", "mixed")
_LICENSES = ("license", "licence", "licenses")
_LABELS = frozenset(("task", "category", "language", "lang", "kind", *_LICENSES))
_SHARD = re.compile(r"[-_.]?\d+-of-\d+.*|(?:\A|[-_.])part-\d+.*")
_NO_TASKS = {"train", "training", "test", "valid", "validation", "val", "dev", "data", "default"}
_NONE: dict[str, Any] = dict.fromkeys(("task", "category", "license", "language", "kind"))


def file_task(relative: str) -> str | None:
    """The task of a format that names its files so: "t0/ag_news_recommend.jsonl.gz" -> "ag_news_recommend".

    Shards of a split are of one task, which their folder names: "rte/train-00000-of-00002.parquet" -> "rte"; None
    where nothing but splits and shards is named.
    """
    names = [*PurePosixPath(relative).parts[:-1], _SHARD.sub("", stem(relative))]
    return next((name for name in reversed(names) if name and name.lower() not in _NO_TASKS), None)


def own_labels(row: Row) -> dict[str, Any]:
    """The labels that the row itself bears, claimed: {"task": "sum", "language": "English"} -> task, language "en"."""
    if not row.has_any(_LABELS):
        return _NONE
    labels = {name: _label(row, name) for name in ("task", "category")}
    kind, license = _label(row, "kind", _KINDS), stated([row.take(name) for name in _LICENSES])
    return {**labels, "license": license, "language": _language_label(row), "kind": kind}


def without_own_labels() -> dict[str, Any]:
    """What `own_labels` says of a row that bears none."""
    return _NONE


def with_labels(
    conversation: Conversation, own: dict[str, Any], meta: dict[str, Any], source: Source, task: str | None
) -> Conversation:
    """The labels that are known without looking at the words; `meta` is what nobody claimed of its row, `task` what its
    file is called."""
    known = {name: own[name] or getattr(conversation, name) for name in own}
    known["task"] = known["task"] or task
    known["license"] = known["license"] or source.license
    known["language"] = known["language"] or language_code(source.language) or source.language
    use = source.use if conversation.use == "train" else conversation.use  # what was a suite's is never trained on
    return conversation.but(**known, use=use, meta={**meta, **conversation.meta})


def with_detected(rows: Sequence[Conversation]) -> list[Conversation]:
    """Detects language and kind where they are not known, of many rows at once."""
    told = {i: _words(row) for i, row in enumerate(rows) if not row.language or not row.kind}
    foreign = [i for i in told if not rows[i].language]
    languages = dict(zip(foreign, detect_languages([told[i] for i in foreign]), strict=True))
    return [
        row.but(language=row.language or languages[i], kind=row.kind or detect_kind(told[i])) if i in told else row
        for i, row in enumerate(rows)
    ]


def _label(row: Row, name: str, allowed: tuple[str, ...] = ()) -> str | None:
    """A text label, claimed; what is none of the allowed stays in meta."""
    value = row.peek(name)
    if not isinstance(value, str) or not value.strip() or (allowed and value not in allowed):
        return None
    row.take(name)
    return value.strip()


def _language_label(row: Row) -> str | None:
    """The first of `language` and `lang` that names a language we know, claimed."""
    for name in ("language", "lang"):
        if code := language_code(row.peek(name)):
            row.take(name)
            return code
    return None


def _words(conversation: Conversation) -> str:
    """Prompt and answer, their beginnings: enough to tell a language by."""
    return "\n".join(m.content for m in conversation.messages if m.role in ("user", "assistant"))[:LOOKED_AT]
