"""A template that passes words on unseen is known; one that looks into them, or hides that it might, is not trusted."""

import pytest

from tests.tuneloom.render.templates import FAMILIES
from tuneloom.render.chat_template import chat_environment
from tuneloom.render.transparency import Words, place, render_unseen

BETWEEN = "{{% for m in messages %}}{}{{% endfor %}}"


def unseen(body: str) -> tuple[str | None, set[str]]:
    """The rendering of one message, and the literals that may not occur in its words."""
    absent: set[str] = set()
    said = [{"role": "user", "content": Words.of("c", 0, absent)}]
    return render_unseen(chat_environment(), BETWEEN.format(body), said), absent


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_the_families_templates_pass_words_on(name):
    special = FAMILIES[name][1]
    said = [{"role": r, "content": Words.of("c", i, set())} for i, r in enumerate(("user", "assistant"))]
    named = {"bos_token": special[0], "eos_token": special[-1], "add_generation_prompt": False}
    found = render_unseen(chat_environment(), FAMILIES[name][0], said, **named)
    assert found is not None
    assert place("c", 0) in found or place("c", 0, "s") in found


@pytest.mark.parametrize(
    ("body", "shown", "absent"),
    [
        ("{{ '<' + m.content + '>' }}", f"<{place('c', 0)}>", set()),
        ("{{ m.content | trim }}", place("c", 0, "s"), set()),
        ("{{ m.content.lstrip().rstrip() }}", place("c", 0, "s"), set()),
        ("{{ '<' ~ m.content ~ '>' }}", f"<{place('c', 0)}>", set()),
        ("{% set c = m.content if m.content else 'none' %}{{ c }}", place("c", 0), set()),
        ("{% if '</think>' in m.content %}x{% else %}{{ m.content }}{% endif %}", place("c", 0), {"</think>"}),
        ("{% if m.content.startswith('#') %}x{% endif %}{{ m.content }}", place("c", 0), {"#"}),
        ("{% if m.content is string and m.role in ['user'] %}{{ m.content }}{% endif %}", place("c", 0), set()),
    ],
)
def test_what_a_template_may_do_with_words(body, shown, absent):
    assert unseen(body) == (shown, absent)


@pytest.mark.parametrize(
    "body",
    [
        "{% if m.content == 'x' %}a{% endif %}",
        "{% if m.content in 'a long text' %}a{% endif %}",
        "{% if m.content in ['x'] %}a{% endif %}",
        "{% if m.content | length > 3 %}a{% endif %}",
        "{{ m.content[0] }}",
        "{{ m.content[1:] }}",
        "{{ m.content.split('x')[0] }}",
        "{{ m.content | upper }}",
        "{{ m.content | title }}",
        "{{ m.content | replace('a', 'b') }}",
        "{{ m.content | tojson }}",
        "{{ m | tojson }}",
        "{{ m.content * 2 }}",
        "{{ '%s' % m.content }}",
        "{{ 'a{}'.format(m.content) }}",
        "{{ [m.content] | join }}",
        "{{ ('<' + m.content) | trim }}",
        "{{ m.content.strip('x') }}",
        "{% for letter in m.content %}{{ letter }}{% endfor %}",
        "{% set c = m.content ~ '' %}{% if 'x' in c %}a{% endif %}{{ c }}",
        "{% set c %}{{ m.content }}{% endset %}{% if 'x' in c %}a{% endif %}{{ c }}",
        "{% macro f(c) %}{{ c }}{% endmacro %}{{ f(m.content)[0] }}",
        "{% if 'x' in '<' + m.content %}a{% endif %}",
        "{{ {m.content: 1}[m.content] }}",
        "{% if m.content is in 'text' %}a{% endif %}",
        "{{ [m.content, 'b'] | sort | first }}",
        "{{ [m.content] | map('replace', 'a', 'b') | first }}",
    ],
)
def test_a_template_that_looks_into_words_or_could_unseen_is_not_trusted(body):
    assert unseen(body)[0] is None


def test_a_role_and_a_place_in_the_talk_may_decide():
    assert unseen("{% if m.role == 'user' and loop.first %}{{ m.content }}{% endif %}") == (place("c", 0), set())
