"""Full-width letters, digits and signs read as the narrow ones (Unicode, block "Halfwidth and Fullwidth Forms").

The spaces and hyphens that break no line (NBSP and its like) are among them.
"""

import re

SPACES, HYPHENS = " \u3000\u00a0\u202f", "-－\u2010\u2011"
"""What `fold` reads as one space, as one hyphen."""


def fold(text: str) -> str:
    """The text in narrow signs, as long as before: `"ｚｈａｎｇ＠１６３．com，"` -> `"zhang@163.com，"`."""
    return text if text.isascii() or not _WIDE.search(text) else text.translate(FOLDED)


FOLDED = {
    **{ord(sign) + 0xFEE0: sign for sign in "+.0123456789=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"},
    **dict.fromkeys(map(ord, SPACES[1:]), " "),
    **dict.fromkeys(map(ord, HYPHENS[1:]), "-"),
}
"""Code point -> sign. Not the comma, colon, slash and brackets: wide ones part numbers, where narrow ones may join."""
_WIDE = re.compile(f"[{''.join(map(chr, FOLDED))}]")
