"""Prompt and completion by their known answers."""

import pytest

from tests.tuneloom.ingest.formats.answers import only, parsed, said


@pytest.mark.parametrize(
    "keys", [("prompt", "completion"), ("inputs", "targets"), ("prompt", "generation"), ("input", "output")]
)
def test_every_pair_of_names(keys: tuple[str, str]) -> None:
    one = only("prompt_completion", {keys[0]: "2+2=", keys[1]: "4<|endoftext|>"})
    assert said(one) == [("user", "2+2="), ("assistant", "4")]
    assert (one.fields, one.flags) == ({}, ("end mark stripped",))


def test_other_keys_are_left() -> None:
    assert parsed("prompt_completion", {"prompt": "a", "completion": "b", "id": 7})[1] == {"id": 7}
