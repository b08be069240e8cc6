"""Language names and tags as sources write them, to the code that `language` holds."""

import re
from typing import Any

_TAG = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]+)*", re.IGNORECASE)
_CODES = {
    "arabic": "ar", "bengali": "bn", "bulgarian": "bg", "catalan": "ca", "chinese": "zh", "croatian": "hr",
    "czech": "cs", "danish": "da", "dutch": "nl", "english": "en", "estonian": "et", "finnish": "fi", "french": "fr",
    "german": "de", "greek": "el", "gujarati": "gu", "hebrew": "he", "hindi": "hi", "hungarian": "hu",
    "indonesian": "id", "italian": "it", "japanese": "ja", "korean": "ko", "malay": "ms", "marathi": "mr",
    "norwegian": "no", "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru",
    "spanish": "es", "swahili": "sw", "swedish": "sv", "tamil": "ta", "telugu": "te", "thai": "th", "turkish": "tr",
    "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi", "xhosa": "xh", "中文": "zh",
}  # fmt: skip


def language_code(value: Any) -> str | None:
    """ "English", "EN", "en-US" and ["English"] -> "en"; None for several languages or none we know."""
    if isinstance(value, list):
        return language_code(value[0]) if len(value) == 1 else None
    if not isinstance(value, str):
        return None
    name = value.strip().lower()
    if name in _CODES:
        return _CODES[name]
    tag = _TAG.fullmatch(name)
    return tag[1].lower() if tag else None
