"""Invented personal data that looks real: checksums are right, owners and numbers do not exist."""

from __future__ import annotations

from rowmaking.dice import Dice
from rowmaking.templates import material

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity(dice: Dice, language: str) -> dict[str, str]:
    """A name with everything that could leak about it, one value for each slot of the `personal` patterns."""
    book = material("plants")
    name, account = dice.deal(f"owner.{language}", book["owners"][language])
    return {
        "name": name,
        "email": f"{account}{10 + dice.below(90)}@{dice.deal('domain', book['domains'])}",
        "us_phone": f"+1 ({dice.pick(['212', '415', '303'])}) 555-01{10 + dice.below(90)}",
        "cn_phone": dice.pick(["+86 138", "138", "159", "+86 186"]) + _digits(dice, 8),
        "card": _card_number("400000" + _digits(dice, 9)),
        "resident_id": _resident_id(f"110105{1960 + dice.below(40)}0{1 + dice.below(9)}{10 + dice.below(18)}", dice),
        "ip": f"203.0.113.{2 + dice.below(250)}",
        "key": "sk-" + "".join(dice.pick(_LETTERS) for _ in range(36)),
    }


def _digits(dice: Dice, count: int) -> str:
    return "".join(str(dice.below(10)) for _ in range(count))


def _card_number(stem: str) -> str:
    """Fifteen digits and their Luhn digit in groups of four: `"400000000000000"` -> `"4000 0000 0000 0002"`."""
    doubled = [int(d) * (2 if i % 2 == 0 else 1) for i, d in enumerate(stem)]
    digit = -sum(d - 9 if d > 9 else d for d in doubled) % 10
    number = stem + str(digit)
    return " ".join(number[i : i + 4] for i in range(0, 16, 4))


def _resident_id(stem: str, dice: Dice) -> str:
    """Region and birthday, a serial number, and the check sign of GB 11643-1999."""
    body = stem + f"{1 + dice.below(998):03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, _ID_WEIGHTS, strict=True)) % 11]
