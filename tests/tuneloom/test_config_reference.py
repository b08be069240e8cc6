"""docs/config.md is what the code says."""

from pathlib import Path

from tuneloom.config import Config, Section
from tuneloom.config_reference import reference

PAGE = Path(__file__).parents[2] / "docs/config.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == reference(), "write it anew: tuneloom config --markdown > docs/config.md"


def test_every_key_of_every_section_is_in_it() -> None:
    page, todo = reference(), [Config]
    while todo:
        section = todo.pop()
        for key, field in section.model_fields.items():
            assert f"| `{key}` |" in page
            parts = [field.annotation, *getattr(field.annotation, "__args__", ())]
            todo += [part for part in parts if isinstance(part, type) and issubclass(part, Section)]


def test_values_bounds_and_defaults_are_told() -> None:
    lines = reference().splitlines()
    (threshold,) = [line for line in lines if line.startswith("| `threshold` |")]
    assert "| number, above 0, to 1 | `0.8` |" in threshold
    (model,) = [line for line in lines if line.startswith("| `model` |")]
    assert "**needed**" in model
    (method,) = [line for line in lines if line.startswith("| `method` |")]
    assert "`lora`, `dora`, `full`" in method
    assert "## `dedup.near`" in lines
    assert "## `sources[]`" in lines
