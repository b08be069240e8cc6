"""Which licences may train: the allow-list of the config against the licence that a row carries.

Names are compared by what they surely mean, in SPDX's spelling where that is known. Nothing is guessed: `CC BY` is not
`CC BY 4.0`, and a name that nobody knows equals itself alone.
"""

import functools
import re
from collections.abc import Collection, Iterator
from typing import Any

from tuneloom.ingest.row import Rejected
from tuneloom.records import Conversation, canonical

_CC_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+)/(\d\.\d)\S*"
)
_WORDS = (
    (re.compile(r"\bcreative[ -]commons\b"), "cc"),
    (re.compile(r"\bnon-?\s?commercial\b"), "nc"),
    (re.compile(r"\bshare[ -]?alike\b"), "sa"),
    (re.compile(r"\bno[ -]?deriv(?:ative)?s?(?: works)?\b"), "nd"),
    (re.compile(r"\battribution\b"), "by"),
    (re.compile(r"\b(?:the|licen[cs]ed?|version|international|unported|universal|public domain dedication)\b"), " "),
    (re.compile(r"\bv(?:er)?\.?\s*(?=\d)"), " "),
)
_NUMBERED = re.compile(r"(apache|mpl|[al]?gpl|cc(?:-(?:by|nc|sa|nd))+)-?v?(\d)(?:\.(\d))?")


def stated(value: Any) -> str | None:
    """A licence as rows write it: ["MIT", "CC BY 4.0"] -> "MIT and CC BY 4.0", for each binds; "" and [] -> None.

    What is no text is the JSON that it is: nobody knows such a licence, and the source's must not take its place.
    """
    return " and ".join(dict.fromkeys(_names(value))) or None


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _names(one)
    elif text := (value if isinstance(value, str) else canonical(value) if value is not None else "").strip():
        yield text


class NotLicensed(Rejected):
    """A row whose licence is not on the allow-list; `bound` is the list."""

    def __init__(self, reason: str, license: str | None, allowed: Collection[str]) -> None:
        super().__init__(reason, "license", license, "" if license else "neither the row nor its source names one")
        self._bound = sorted(allowed)

    def detail(self) -> dict[str, Any]:
        """`{"field": "license", "value": "GPL-3.0", "bound": ["MIT"], "rule": "licenses.allow"}`."""
        return {**super().detail(), "bound": self._bound, "rule": "licenses.allow"}


def check_license(conversation: Conversation, allowed: Collection[str] | None) -> None:
    """Raises NotLicensed where a row would train and its licence is none of `allowed` (None: everything is)."""
    if allowed is None or conversation.use != "train":
        return
    if not conversation.license:
        raise NotLicensed("no licence", None, allowed)
    if license_key(conversation.license) not in {license_key(name) for name in allowed}:
        raise NotLicensed("licence not allowed", conversation.license, allowed)


@functools.lru_cache(maxsize=1024)
def license_key(name: str) -> str:
    """What licence names are compared by: "Apache License, Version 2.0" -> "apache-2.0"; "CC BY-NC 4.0" and
    "https://creativecommons.org/licenses/by-nc/4.0/" -> "cc-by-nc-4.0"; "House rules" -> "house-rules"."""
    text = name.replace("_", " ").strip().lower()
    if address := _CC_ADDRESS.fullmatch(text):
        text = f"{'cc0' if address[1] == 'zero' else f'cc {address[1]}'} {address[2]}"
    for pattern, word in _WORDS:
        text = pattern.sub(word, text)
    key = "-".join(re.findall(r"[^\W_]+(?:\.\d+)*\+?", text))
    if numbered := _NUMBERED.fullmatch(key):
        return f"{numbered[1]}-{numbered[2]}.{numbered[3] or 0}"
    return {"cc0": "cc0-1.0", "cc-zero": "cc0-1.0", "cc-zero-1.0": "cc0-1.0", "cc-cc0-1.0": "cc0-1.0"}.get(key, key)
