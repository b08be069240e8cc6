"""Language names and tags as sources write them, to the code that `language` holds."""

import re
from typing import Any

_TAG = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]+)*", re.IGNORECASE)
_CODES = {
    "afrikaans": "af", "amharic": "am", "arabic": "ar", "assamese": "as", "basque": "eu", "bengali": "bn",
    "bulgarian": "bg", "burmese": "my", "catalan": "ca", "central khmer": "km", "chinese": "zh", "croatian": "hr",
    "czech": "cs", "danish": "da", "dutch": "nl", "english": "en", "esperanto": "eo", "estonian": "et", "farsi": "fa",
    "finnish": "fi", "french": "fr", "galician": "gl", "german": "de", "greek": "el", "gujarati": "gu",
    "haitian": "ht", "hausa": "ha", "hebrew": "he", "hindi": "hi", "hungarian": "hu", "icelandic": "is", "igbo": "ig",
    "indonesian": "id", "irish": "ga", "italian": "it", "japanese": "ja", "kannada": "kn", "khmer": "km",
    "korean": "ko", "kurdish": "ku", "lao": "lo", "latin": "la", "latvian": "lv", "lithuanian": "lt", "malay": "ms",
    "malayalam": "ml", "mandarin": "zh", "marathi": "mr", "nepali": "ne", "norwegian": "no", "oriya": "or",
    "panjabi": "pa", "pashto": "ps", "persian": "fa", "polish": "pl", "portuguese": "pt", "punjabi": "pa",
    "romanian": "ro", "russian": "ru", "serbian": "sr", "sinhala": "si", "slovak": "sk", "slovenian": "sl",
    "somali": "so", "spanish": "es", "swahili": "sw", "swedish": "sv", "tagalog": "tl", "tamil": "ta", "telugu": "te",
    "thai": "th", "turkish": "tr", "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi", "welsh": "cy", "xhosa": "xh",
    "yoruba": "yo", "中文": "zh", "汉语": "zh", "日本語": "ja",
}  # fmt: skip

_THREE_LETTERS = {
    "ara": "ar", "arb": "ar", "ben": "bn", "bul": "bg", "cat": "ca", "ces": "cs", "cmn": "zh", "dan": "da",
    "deu": "de", "ell": "el", "eng": "en", "est": "et", "fas": "fa", "fin": "fi", "fra": "fr", "guj": "gu",
    "hau": "ha", "heb": "he", "hin": "hi", "hrv": "hr", "hun": "hu", "ibo": "ig", "ind": "id", "isl": "is",
    "ita": "it", "jpn": "ja", "kan": "kn", "khm": "km", "kor": "ko", "lat": "la", "lav": "lv", "lit": "lt",
    "mal": "ml", "mar": "mr", "mya": "my", "nld": "nl", "nor": "no", "pan": "pa", "pes": "fa", "pol": "pl",
    "por": "pt", "ron": "ro", "rus": "ru", "sin": "si", "slk": "sk", "slv": "sl", "som": "so", "spa": "es",
    "sqi": "sq", "srp": "sr", "swa": "sw", "swe": "sv", "swh": "sw", "tam": "ta", "tel": "te", "tgl": "tl",
    "tha": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "vie": "vi", "yor": "yo", "zho": "zh", "zsm": "ms",
}  # fmt: skip
"""ISO 639-3, as Aya and FLORES write it, to the two letters that detection gives the same language."""
_PROGRAMMING = {"asm", "cpp", "css", "go", "js", "lua", "php", "py", "rb", "rs", "sh", "sql", "ts", "vb", "vba", "xml"}
"""What `lang` of a code's row says: no language of its words."""


def language_code(value: Any) -> str | None:
    """ "English", "EN", "en-US", "eng_Latn" and ["English"] -> "en"; None for several languages or none we know."""
    if isinstance(value, list):
        return language_code(value[0]) if len(value) == 1 else None
    if not isinstance(value, str):
        return None
    name = value.strip().lower()
    if name in _CODES:
        return _CODES[name]
    tag = _TAG.fullmatch(name)
    if not tag or name in _PROGRAMMING:
        return None
    return _THREE_LETTERS.get(tag[1], tag[1])
