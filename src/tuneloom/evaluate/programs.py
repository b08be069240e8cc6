"""The program in an answer, and how likely one of several passes."""

import re

_FENCED = re.compile(r"```[ \t]*([\w+#-]*)[^\n]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
_PYTHON = {"", "python", "py", "python3"}


def program_of(answer: str) -> str | None:
    """The first fenced block of Python that defines something, or else the first; the answer itself where it has no
    fence and defines something; None where there is none.

    ``"Here:\\n```python\\ndef f(): ...\\n```"`` -> `"def f(): ..."`
    """
    blocks = [text for language, text in _FENCED.findall(answer) if language.lower() in _PYTHON]
    found = next((text for text in blocks if _defines(text)), blocks[0] if blocks else None)
    if found is None and "```" not in answer and _defines(answer):
        found = answer
    return found if found is None or found.strip() else None


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """How likely one of `k` programs passes, without bias, where `passed` of `samples` did: 1 - C(n-c, k) / C(n, k), as
    a product (Chen et al. 2021). Raises ValueError for fewer samples than `k`."""
    if samples < k:
        raise ValueError(f"pass@{k} of {samples} samples is not defined")
    if samples - passed < k:
        return 1.0
    failing = 1.0
    for i in range(samples - passed + 1, samples + 1):
        failing *= 1 - k / i
    return 1 - failing


def _defines(text: str) -> bool:
    return (
        re.search(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+\w|^\w+[ \t]*=[ \t]*lambda\b", text, re.MULTILINE)
        is not None
    )
