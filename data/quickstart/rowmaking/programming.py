"""Rows about Python: write a function, repair one, predict what a snippet prints. Every result comes from running."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from functools import cache
from typing import Any

from rowmaking.dice import Dice
from rowmaking.rows import Row
from rowmaking.templates import MATERIALS, material

_FENCE = "```python\n{code}\n```\n{note}"
_OUTPUT = "```\n{text}\n```"


def record_task(dice: Dice, language: str) -> Row:
    """A function over a list of dicts (books, ships, ...): one of 17 shapes in one of 16 settings."""
    book = material("code_records")
    domain = dice.deal(f"domain.{language}", book["domains"])
    shape = dice.deal(f"shape.{language}", book["shapes"])
    words = _words(domain, dice)
    words["func"] = shape["func"].format(**words)
    words["args"] = shape["args"].format(**words)
    style = dice.deal(f"{shape['func']}.style", range(len(shape["code"])))
    code = shape["code"][style].format(**words)
    if language == "en":
        what = dice.deal(f"{shape['func']}.en", shape["en"]).format(**words)
        note = shape["note_en"][style].format(**words)
    else:
        what, note = shape["zh"].format(**words), shape["note_zh"].format(**words)
    keys = {name: f'"{name}"' for name in (words["t"], words["g"], words["x"], words["y"])}
    words |= {"what": what, "keys": _used_keys(keys, code)}
    prompt = dice.deal(f"write.{language}", book[f"write_{language}"]).format(**words)
    check = _check_on_records(code, words, shape.get("extra", []), domain, dice)
    answer = _FENCE.format(code=code, note=note)
    return _row("code_write", language, _maybe_system(prompt, language, dice), answer, check)


def function_task(dice: Dice, language: str, name: str) -> Row:
    """One of the hand-chosen functions of `materials/solutions.py`, to be written."""
    book, about = material("code_records"), material("code_functions")[name]
    code = solutions()[name]
    results = _results(code, _calls(about))
    words = {"sig": _signature(code), "what": about[language], "call": about["calls"][0], "result": results[0][1]}
    prompt = dice.deal(f"plain.{language}", book[f"plain_{language}"]).format(**words)
    answer = _FENCE.format(code=code, note=about[f"note_{language}"])
    return _row("code_write", language, _maybe_system(prompt, language, dice), answer, _asserts(results))


def repair_task(dice: Dice, language: str, name: str) -> Row:
    """The same functions with one mistake put in; the answer is the right code."""
    book, about = material("code_records"), material("code_functions")[name]
    code = solutions()[name]
    results = _results(code, _calls(about))
    words = {"what": about[language], "call": results[-1][0], "result": results[-1][1]}
    words["broken"] = code.replace(*about["bug"])
    prompt = dice.deal(f"fix.{language}", book[f"fix_{language}"]).format(**words)
    answer = _FENCE.format(code=code, note=about[f"note_{language}"])
    return _row("code_fix", language, (("user", prompt),), answer, _asserts(results))


def output_task(dice: Dice, language: str) -> Row:
    """A snippet of two to six lines; the answer is what it prints."""
    book = material("code_records")
    code = dice.deal(f"snippet.{language}", book["snippets"]).format(**_snippet_words(book, dice))
    prompt = dice.deal(f"print.{language}", book[f"print_{language}"]).replace("{code}", code)
    answer = _OUTPUT.format(text=printed(code).rstrip("\n"))
    return _row("code_output", language, (("user", prompt),), answer, "")


def printed(code: str) -> str:
    """What the snippet prints: `"print(1 + 1)"` -> `"2\\n"`."""
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen):
        exec(code, {})  # our own snippets of materials/code_records.json
    return screen.getvalue()


@cache
def solutions() -> dict[str, str]:
    """Name to source of every function in `materials/solutions.py`."""
    text = (MATERIALS / "solutions.py").read_text(encoding="utf-8")
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_source_segment(text, node) or "" for node in functions}


def _words(domain: dict[str, Any], dice: Dice) -> dict[str, Any]:
    x, y = dice.shuffled(domain["num"])
    t, g = domain["text"]
    zh = domain["zh_of"]
    words = {"items": domain["items"], "item": domain["item"], "i": domain["item"][0], "t": t, "g": g, "x": x, "y": y}
    return words | {"zh": domain["zh"], "zt": zh[t], "zg": zh[g], "zx": zh[x], "zy": zh[y]}


def _used_keys(keys: dict[str, str], code: str) -> str:
    return ", ".join(quoted for name, quoted in keys.items() if quoted in code or f"['{name}']" in code)


def _check_on_records(code: str, words: dict[str, Any], extra: list[str], domain: dict[str, Any], dice: Dice) -> str:
    t, g, x, y = (words[k] for k in "tgxy")
    records = [
        {t: name, g: dice.pick(domain["groups"]), x: 3 + 3 * dice.below(13), y: 2 + dice.below(9)}
        for name in dice.shuffled(domain["names"])[:3]
    ]
    amounts = sorted(record[x] for record in records)
    chosen = {"limit": amounts[1], "low": amounts[0], "high": amounts[1], "k": 2, "group": records[0][g]}
    call = f"{words['func']}({', '.join([repr(records)] + [repr(chosen[name]) for name in extra])})"
    return _asserts(_results(code, [call]))


def _calls(about: dict[str, Any]) -> list[str]:
    return about["calls"] + about.get("calls2", [])


def _results(code: str, calls: list[str]) -> list[tuple[str, str]]:
    space: dict[str, Any] = {}
    exec(code, space)  # our own functions of materials/
    return [(call, repr(eval(call, space))) for call in calls]


def _asserts(results: list[tuple[str, str]]) -> str:
    return " and ".join(f"{call} == {result}" for call, result in results)


def _signature(code: str) -> str:
    return re.search(r"def (.+):\n", code).group(1)  # type: ignore[union-attr]


def _snippet_words(book: dict[str, Any], dice: Dice) -> dict[str, Any]:
    three = dice.shuffled(book["words"])[:4]
    numbers = [1 + n for n in dice.shuffled(range(60))[:8]]
    words = {"v": dice.deal("variable", book["variables"]), "w": three[3], "w3": three[:3], "x": dice.pick("aeilnor")}
    words |= {"p": dice.deal("phrase", book["phrases"]), "k": 2 + dice.below(3), "d": 3 + dice.below(6)}
    words |= {"a": 21 + dice.below(70), "b": 2 + dice.below(18), "n3": numbers[:3], "n5": numbers[3:]}
    return words | {"n3s": str(numbers[:3])[1:-1], "n5s": str(numbers[2:7])[1:-1]}


def _maybe_system(prompt: str, language: str, dice: Dice) -> tuple[tuple[str, str], ...]:
    if dice.below(4):
        return (("user", prompt),)
    options = material("code_records")["lead_system" if language == "en" else "lead_system_zh"]
    return (("system", dice.deal(f"system.{language}", options)), ("user", prompt))


def _row(task: str, language: str, asked: tuple[tuple[str, str], ...], answer: str, check: str) -> Row:
    return Row(task, "code", language, (*asked, ("assistant", answer)), check=check)
