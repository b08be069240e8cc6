"""Files to sources: one a folder, format and use, under a path that means those files and no other's."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.config import Source
from tuneloom.ingest.discover import SourceFile, discover
from tuneloom.survey.grouping import FoundSource, group, is_data
from tuneloom.survey.looking import FileSurvey

NOTHING = FileSurvey(SourceFile("", "", Path()), 9, 3, "exact", 3, 3, {}, {}, "alpaca", "train", {"en": 3}, {}, {})


def grouped(root: Path, files: dict[str, str | None]) -> list[FoundSource]:
    """Files by name with their format, None for a file without a usable row, "" for an empty one."""
    surveys = []
    for name, format in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        changes = {"kept": 3 if format else 0, "rows": 0 if format == "" else 3, "format": format or None}
        surveys.append(replace(NOTHING, file=SourceFile("", name, path), **changes))
    return group(root, surveys, lambda folder: None)


def names(sources: list[FoundSource]) -> list[tuple[str, list[str]]]:
    return [(source.name, [one.file.relative for one in source.files]) for source in sources]


def test_a_folder_of_one_format_is_one_source_whatever_its_size(tmp_path: Path) -> None:
    files: dict[str, str | None] = {f"t0/{n}.jsonl": "prompt_completion" for n in range(188)}
    (one,) = grouped(tmp_path, {**files, "t0/e.jsonl": "", "t0/bad.jsonl": None})
    assert (one.name, one.path, len(one.files)) == ("t0", str(tmp_path / "t0/*.jsonl"), 188)
    assert [idle.file.relative for idle in one.idle] == ["t0/e.jsonl", "t0/bad.jsonl"]


def test_formats_and_folders_are_told_apart(tmp_path: Path) -> None:
    found = grouped(
        tmp_path, {"zh/a.json": "alpaca", "zh/b.json": "self_instruct", "c/d/e.csv": "dolly", "f.json": "alpaca"}
    )
    assert names(found) == [
        ("f", ["f.json"]), ("c-d", ["c/d/e.csv"]), ("zh-alpaca", ["zh/a.json"]), ("zh-self_instruct", ["zh/b.json"])
    ]  # fmt: skip


def test_files_that_no_plain_glob_tells_apart_are_sources_of_their_own(tmp_path: Path) -> None:
    found = grouped(tmp_path, {"a.json": "alpaca", "b.json": "dolly", "c.json": "alpaca"})
    assert [len(source.files) for source in found] == [1, 1, 1]
    assert len({source.name for source in found}) == 3


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text("ab[]*?!#'\" 中é.-_{}$", min_size=1, max_size=8).filter(lambda name: not name.startswith(".")),
        st.sampled_from(["alpaca", "dolly", "", None]),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["", ".json", ".jsonl.gz"]),
)
def test_every_usable_file_is_meant_by_its_source_alone(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, str | None], ending: str
) -> None:
    root = tmp_path_factory.mktemp("root")
    found = grouped(root, {f"data/{name}{ending}": format for name, format in files.items()})
    meant = [
        (file.path, source.format)
        for source in found
        for file in discover(Source(name=source.name, path=source.path), root)
    ]
    wanted = sorted((root / f"data/{name}{ending}", format) for name, format in files.items() if format)
    assert sorted(pair for pair in meant if files[pair[0].name.removesuffix(ending)]) == wanted
    assert len({source.name for source in found}) == len(found)
    assert all(re.fullmatch(r"[\w.-]+", source.name) for source in found)


def test_rows_with_a_licence_of_their_own_need_none_of_their_source(tmp_path: Path) -> None:
    (one,) = grouped(tmp_path, {"a.json": "alpaca"})
    assert not one.licensed
    assert replace(one, license="MIT").licensed
    assert replace(one, use="decontaminate").licensed
    assert replace(one, files=(replace(one.files[0], licenses={"MIT": 2, "CC0": 1}),)).licensed


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("README.md", False),
        ("LICENSE", False),
        ("LICENSE-APACHE.txt", False),
        ("citation_intent.csv", True),
        ("license_questions.jsonl.gz", True),
        ("build.py", False),
        ("rows.jsonl", True),
        ("data", True),
        ("a.txt", True),
    ],
)
def test_what_lies_beside_data_is_known_by_its_name(name: str, data: bool) -> None:
    assert is_data(Path(name)) is data
