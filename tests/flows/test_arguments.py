"""Arguments that several commands share."""

import argparse

import pytest

from flows.arguments import add_config_arguments, count


def test_overrides_keep_their_order() -> None:
    parser = argparse.ArgumentParser()
    add_config_arguments(parser)
    found = parser.parse_args(["c.yaml", "--set", "a=1", "--limit", "3", "--set", "b=2"])
    assert (found.overrides, found.limit) == (["a=1", "b=2"], 3)
    assert parser.parse_args(["c.yaml"]).limit is None


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", ""])
def test_a_count_is_a_whole_number_of_at_least_1(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not a whole number of at least 1"):
        count(text)
    assert count("1") == 1
