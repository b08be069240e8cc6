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


DOUBLED = "{{% set ns = namespace(x=9) %}}{{% for i in range(60) %}}{{% set ns.x = {} %}}{{% endfor %}}{}"


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
        DOUBLED.format("ns.x * ns.x", "{{ ns.x }}"),
        DOUBLED.format("[ns.x, ns.x]", "{{ ns.x }}"),
        DOUBLED.format("[ns.x, ns.x]", "{{ ns.x | string | length }}"),
        DOUBLED.format("(ns.x, ns.x)", "{{ ns.x | tojson }}"),
        DOUBLED.format("{'a': ns.x, 'b': ns.x}", "{{ ns.x ~ '' }}"),
        DOUBLED.format("[ns.x] * 9", "{{ [ns.x] | join }}"),
        DOUBLED.format("range(9) | map(attribute='a', default=ns.x) | list", "{{ ns.x }}"),
        DOUBLED.format("ns.x | string | tojson", "{{ ns.x | length }}"),
        "{% macro f() %}{% set ns.x = varargs %}{% endmacro %}" + DOUBLED.format("[f(ns.x, ns.x), ns.x][1]", ""),
        "{{ {}.fromkeys(range(9000), 'a' * 9000) }}",
        "{{ (1).to_bytes(1000, 'big') * 10**7 }}",
        "{{ 1 | round(10**8, 'ceil') }}",
        "{{ range(9) | replace('a', 'b') }}",
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


def test_lists_and_maps_are_put_out_as_they_were():
    source = (
        "{% for a, b in [(1, 2), (3, 4)] %}{{ a + b }} {% endfor %}{{ {'k': [text]} | tojson }} "
        "{{ 2.34 | round(1, 'ceil') }}"
    )
    assert rendered(source, text="好") == '3 7 {"k":["好"]} 2.4'
    assert rendered("{% macro f() %}{{ varargs | join('-') }}{% endmacro %}{{ f(1, text) }}", text="b") == "1-b"
    turns = [{"content": "a"}, {"content": "b"}]
    assert rendered("{{ turns | map(attribute='content') | join(' / ') }}", turns=turns) == "a / b"


def test_a_rendering_has_its_limits_to_itself():
    template = Sandbox().template("{% for i in range(15000) %}{% endfor %}x")
    assert [template.render({}) for _ in range(3)] == ["x"] * 3


@pytest.mark.parametrize("source", ["{% for %}", "{{ x | center(10) }}", "{{ x"])
def test_what_does_not_compile_is_told_at_once(source):
    with pytest.raises(TemplateSyntaxError):
        Sandbox().template(source)
