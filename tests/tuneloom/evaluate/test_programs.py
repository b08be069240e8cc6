"""Programs found in answers, and pass@k by counting."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.evaluate.programs import pass_at_k, program_of

DEFINED = "def f(x):\n    return x"


@pytest.mark.parametrize(
    ("answer", "program"),
    [
        (f"```python\n{DEFINED}\n```", DEFINED),
        (f"Sure:\n```\n{DEFINED}\n```\nUse it so:\n```python\nf(1)\n```", DEFINED),
        (f"```bash\npip install x\n```\n```py\n{DEFINED}\n```", DEFINED),
        (f"```python\nf(1)\n```\nand\n```python\n{DEFINED}\n```", DEFINED),
        (f"```python\n{DEFINED}", DEFINED),  # cut, or a fence that never ends
        (f"```python\r\n{DEFINED}\n```", DEFINED),
        (DEFINED, DEFINED),
        ("f = lambda x: x", "f = lambda x: x"),
        ("I cannot do that.", None),
        ("```\n\n```", None),
        ("```java\nclass A {}\n```", None),
        ("", None),
    ],
)
def test_the_program_of_an_answer(answer: str, program: str | None):
    assert program_of(answer) == program


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_choices_with_one_that_passes(numbers: tuple[int, int, int]):
    n, c, k = numbers
    choices = list(combinations(range(n), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(min(choice) < c for choice in choices) / len(choices))


def test_fewer_samples_than_k_are_an_error():
    with pytest.raises(ValueError, match="pass@3 of 2"):
        pass_at_k(2, 1, 3)
