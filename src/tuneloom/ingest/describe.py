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
    return {**labels, "language": _language_label(row), "kind": _label(row, "kind", _KINDS)}


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
    return "\n".join(m.content for m in conversation.messages if m.role in ("user", "assistant"))[:_LOOKED_AT]


def _language(text: str) -> str:
    from tuneloom.text.language import detect_language

    return detect_language(text)


def _kind(text: str) -> str:
    from tuneloom.text.kind import detect_kind

    return detect_kind(text)
