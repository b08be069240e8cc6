"""docs/review.md is true: its settings are accepted, its columns are those of a sheet."""

import re
from pathlib import Path

import yaml

from tuneloom.config import Quality, Review
from tuneloom.review.sheet import TO_FILL

PAGE = (Path(__file__).parents[1] / "docs/review.md").read_text("utf-8")


def test_the_settings_of_the_page_are_accepted() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    tree = yaml.safe_load(text)
    assert set(tree["review"]) == set(Review.model_fields)
    Review.model_validate(tree["review"])
    assert Quality.model_validate(tree["quality"]).safety.unsafe_answer == "hold"


def test_the_page_names_every_column_to_fill_in() -> None:
    assert all(f"`{name}`" in PAGE for name in TO_FILL)
