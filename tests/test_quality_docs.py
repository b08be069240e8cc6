"""docs/quality.md is true: its tables are those of the code, its examples work."""

import re
from pathlib import Path

import pytest
import yaml

from tests.rows import chat
from tests.tuneloom.quality.judged import table
from tests.tuneloom.quality.labelled import sample, table_lines
from tuneloom.config import Quality
from tuneloom.quality.describe import bounds_text
from tuneloom.quality.expressions import FUNCTIONS
from tuneloom.quality.rules import PROFILES, load_profile, rules_of
from tuneloom.quality.signals import CATEGORIES, TABLE
from tuneloom.quality.transforms import apply_transforms, load_transforms

DOCS = Path(__file__).parents[1] / "docs" / "quality.md"


def rule_lines() -> list[str]:
    """Every rule in the profile that adds or changes it."""
    lines = ["| profile | rule | asks | of | source |", "|---|---|---|---|---|"]
    for name in ("standard", *sorted(path.stem for path in PROFILES.glob("*.yaml") if path.stem != "standard")):
        profile = load_profile(name)
        for rule in profile.rules:
            if profile.versions[rule.name].startswith(f"{name}-"):
                told = rule.model_dump(exclude_defaults=True)
                of = [", ".join(told[key]) for key in ("kinds", "languages") if key in told]
                of += [told[key] for key in ("scripts", "when") if key in told]
                asked = f"`{rule.value}` {bounds_text(told)}"
                lines.append(f"| {name} | {rule.name} | {asked} | {'; '.join(of) or 'all'} | {rule.source} |")
    return lines


def signal_lines() -> list[str]:
    """The table of signals."""
    lines = ["| signal | what | of | for |", "|---|---|---|---|"]
    for name, signal in TABLE.items():
        scope = ", ".join([*([f"{signal.scripts} scripts"] if signal.scripts != "any" else []), *signal.languages])
        lines.append(f"| `{name}` | {signal.says} | {', '.join(signal.fields) or 'row'} | {scope or 'all'} |")
    return lines


def category_lines() -> list[str]:
    """The table of categories."""
    return ["| word | what |", "|---|---|", *(f"| `{name}` | {says} |" for name, says in CATEGORIES.items())]


MAKERS = {"rules": rule_lines, "signals": signal_lines, "categories": category_lines, "scores": table_lines}


@pytest.mark.parametrize("name", MAKERS)
def test_a_table_of_the_page_is_what_the_code_says(name: str) -> None:
    """`python -m tests.test_quality_docs` writes them anew."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", DOCS.read_text("utf-8"), re.DOTALL)
    assert found
    assert found[1].splitlines() == MAKERS[name]()


def test_the_sample_is_large_enough_and_of_all_kinds_and_both_languages() -> None:
    rows = sample()
    kinds = {row.get("about") for row in rows}
    assert len(rows) >= 300
    assert kinds >= {"natural", "translation", "code", "mixed", "math", "dialogue"}
    assert sum(not row["prompt"].isascii() for row in rows) >= 100
    assert sum(not row["defects"] for row in rows) >= 150
    assert len({(row["prompt"], row["answer"]) for row in rows}) == len(rows)


def test_the_rules_of_the_page_are_accepted() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    profile = rules_of(Quality.model_validate(yaml.safe_load(text)["quality"]))
    assert [rule.name for rule in profile.rules[-3:]] == ["too short", "wordy", "thin translation"]
    assert all(f"`{name}`" in DOCS.read_text("utf-8") for name in FUNCTIONS)


def test_the_transform_of_the_page_works(tmp_path: Path) -> None:
    (text,) = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    (tmp_path / "spelling.py").write_text(text)
    found = apply_transforms(table([chat("a", "grey colour")]), load_transforms([tmp_path / "spelling.py"]))
    assert found.rows.to_pylist()[0]["messages"][1]["content"] == "grey color"


def write() -> None:
    """Writes the tables into the page."""
    page = DOCS.read_text("utf-8")
    for name, make in MAKERS.items():
        lines = "\n".join(make())
        page = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m, t=lines: f"{m[1]}{t}\n{m[2]}", page, flags=re.S
        )
    DOCS.write_text(page, "utf-8")


if __name__ == "__main__":
    write()
