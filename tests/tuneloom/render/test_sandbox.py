"""The sandbox: what a template may do, and that nothing it writes runs or grows for ever."""

import pytest
from jinja2 import TemplateSyntaxError

from tuneloom.render.sandbox import Failed, Sandbox


def rendered(source: str, **values) -> str:
    return Sandbox().template(source).render(values)


def test_the_plain_things_work():
    assert rendered("{{ text | upper }}{% for x in range(3) %} {{ x }}{% endfor %}{{ '!' ~ text }}", text="hi") == (
        "HI 0 1 2!hi"
    )
    assert Sandbox().template("{{ a }}{% set c = b %}{{ c }}").variables == {"a", "b"}


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(10**9) %}{% endfor %}",
        "{% for i in range(9000) %}{% for j in range(9000) %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ 'a' * 10**9 }}",
        "{{ [text] * 10**9 }}",
        "{{ 9 ** 999 ** 99 }}",
        "{{ 'a'.ljust(10**9) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ ('a' * 9000).replace('a', 'a' * 9000) }}",
        "{{ ('a' * 9000) | replace('a', 'a' * 9000) }}",
        "{{ range(9000) | join('a' * 9000) }}",
        "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set a %}{{ text }}{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 40,
        "{{ text.__class__.__mro__ }}",
        "{{ [1].append(2) }}",
        "{% include 'x' %}",
        "{{ 1 / 0 }}",
        "{{ None }}",
        "{{ missing }}",
    ],
)
def test_what_runs_away_or_reaches_out_fails_at_its_line(source):
    with pytest.raises(Failed) as caught:
        rendered("one\n\n" + source, text="hi")
    assert caught.value.line == 3


def test_a_rendering_has_its_limits_to_itself():
    template = Sandbox().template("{% for i in range(15000) %}{% endfor %}x")
    assert [template.render({}) for _ in range(3)] == ["x"] * 3


@pytest.mark.parametrize("source", ["{% for %}", "{{ x | center(10) }}", "{{ x"])
def test_what_does_not_compile_is_told_at_once(source):
    with pytest.raises(TemplateSyntaxError):
        Sandbox().template(source)
