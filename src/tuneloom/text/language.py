"""The language of a text: by its script where that decides, else by py3langid (naive Bayes over byte n-grams).

Short texts carry little evidence. A language other than English is named only where the model is sure of it, English
already where it is likely; the rest is `und`, for a wrong language moves a row past rules that it should meet.
"""

import re
from collections.abc import Sequence

HEAD = 500
"""Characters looked at: enough for the model to be sure, few enough for 20,000 texts a second."""
SURE = {"en": 0.15}
SURE_OF_OTHERS = 0.5
"""Least probability by which a language is named. Of 64,000 English rows of T0, Alpaca, CodeAlpaca, GSM8K and FLAN's
chains of thought these leave 7 `und` and take 6 for another language; of bare names ("Belize 1981") nearly all."""

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_KANA = re.compile(r"[\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9d]")
_HANGUL = re.compile(r"[\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e]")
_OTHER_LETTERS = re.compile(r"[^\W\d_]")
LETTERS_A_HAN_SIGN = 3
KANA_SHARE = 0.1


def detect_languages(texts: Sequence[str]) -> list[str]:
    """The language of each text, a hundred times faster than one by one: ["Good day.", "早上好"] -> ["en", "zh"]."""
    heads = [text.strip()[:HEAD] for text in texts]
    languages = [_by_script(head) or "" if not head.isascii() else "" for head in heads]
    unknown = [i for i, language in enumerate(languages) if not language and _OTHER_LETTERS.search(heads[i])]
    if unknown:
        from tuneloom.text.language_model import most_likely

        for i, (language, probability) in zip(unknown, most_likely([heads[i] for i in unknown]), strict=True):
            languages[i] = language if probability >= SURE.get(language, SURE_OF_OTHERS) else ""
    return [language or "und" for language in languages]


def _by_script(head: str) -> str | None:
    """Han, kana and Hangul decide alone when they outweigh other letters; a Han sign weighs three of those."""
    han, kana, hangul = (len(script.findall(head)) for script in (_HAN, _KANA, _HANGUL))
    east_asian = han + kana + hangul
    if not east_asian:
        return None
    others = len(_OTHER_LETTERS.findall(head)) - east_asian
    if east_asian * LETTERS_A_HAN_SIGN < others:
        return None
    if hangul > han + kana:
        return "ko"
    return "ja" if kana > KANA_SHARE * (han + kana) else "zh"
