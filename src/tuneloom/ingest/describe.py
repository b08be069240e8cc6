"""What is known about a conversation besides its words: task, category, language, kind, licence, use, meta.

A row's own word comes first, then its format's, then the source's in the config, then detection.
"""

from dataclasses import replace
from typing import Any

from tuneloom.config import Source
from tuneloom.ingest.languages import language_code
from tuneloom.ingest.row import Row
from tuneloom.records import Conversation

_LOOKED_AT = 2_000
_KINDS = ("natural", "code", "mixed")


def own_labels(row: Row) -> dict[str, Any]:
    """The labels that the row itself bears, claimed: {"task": "sum", "language": "English"} -> task, language "en"."""
    labels = {name: _label(row, name) for name in ("task", "category", "license")}
    language, kind = language_code(_label(row, "language") or _label(row, "lang")), _label(row, "kind")
    return {**labels, "language": language, "kind": kind if kind in _KINDS else None}


def describe(conversation: Conversation, own: dict[str, Any], meta: dict[str, Any], source: Source) -> Conversation:
    """Fills the labels of a settled conversation; `meta` is what nobody claimed of its row."""
    known = {name: own[name] or getattr(conversation, name) for name in own}
    language = known["language"] or language_code(source.language) or source.language
    if not language or not known["kind"]:
        text = _words(conversation)
        language = language or _language(text)
        known["kind"] = known["kind"] or _kind(text)
    return replace(
        conversation,
        **{
            **known,
            "language": language,
            "license": known["license"] or source.license,
            "meta": {**meta, **conversation.meta},
        },
    )


def _label(row: Row, name: str) -> str | None:
    """A text label, claimed; a value of another type stays in meta."""
    value = row.peek(name)
    if not isinstance(value, str) or not value.strip():
        return None
    row.take(name)
    return value.strip()


def _words(conversation: Conversation) -> str:
    """Prompt and answer, their beginnings: enough to tell a language by."""
    return "\n".join(m.content for m in conversation.messages if m.role in ("user", "assistant"))[:_LOOKED_AT]


def _language(text: str) -> str:
    from tuneloom.text.language import detect_language

    return detect_language(text)


def _kind(text: str) -> str:
    from tuneloom.text.kind import detect_kind

    return detect_kind(text)
