"""Licences: names mean what they surely mean, and what may not train is rejected with the list it is not on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rows import chat
from tests.tuneloom.ingest.built import ingested, rejects, rows, write_jsonl
from tuneloom.ingest.licenses import NotLicensed, check_license, license_key

SPELLINGS = {
    "apache-2.0": ["Apache 2.0", "Apache-2.0", "apache2", "APACHE_2.0", "Apache License, Version 2.0", "Apache v2"],
    "mit": ["MIT", " mit ", "MIT License", "The MIT Licence"],
    "cc-by-4.0": [
        "CC BY 4.0",
        "cc-by-4.0",
        "CC_BY 4.0",
        "Creative Commons Attribution 4.0 International",
        "https://creativecommons.org/licenses/by/4.0/",
        "http://creativecommons.org/licenses/by/4.0/legalcode",
    ],
    "cc-by-nc-4.0": ["CC BY-NC 4.0", "CC-BY-NC-4.0", "cc by nc 4", "Creative Commons Attribution-NonCommercial 4.0"],
    "cc-by-nc-sa-3.0": ["CC BY-NC-SA 3.0 Unported", "Creative Commons Attribution Non-Commercial Share-Alike v3.0"],
    "cc-by-nd-4.0": ["CC BY-ND 4.0", "Creative Commons Attribution-NoDerivatives 4.0 International License"],
    "cc0-1.0": ["CC0", "CC0-1.0", "cc0 1.0 Universal", "https://creativecommons.org/publicdomain/zero/1.0/"],
    "gpl-3.0": ["GPLv3", "GPL 3.0", "gpl-3"],
    "bsd-3-clause": ["BSD 3-Clause", "BSD-3-Clause License"],
}


@pytest.mark.parametrize(("key", "name"), [(key, name) for key, names in SPELLINGS.items() for name in names])
def test_one_licence_in_all_its_spellings_has_one_key(key: str, name: str) -> None:
    assert license_key(name) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CC BY", "CC BY 4.0"),
        ("CC BY 3.0", "CC BY 4.0"),
        ("CC BY 4.0", "CC BY-NC 4.0"),
        ("CC BY-SA 4.0", "CC BY-NC-SA 4.0"),
        ("Apache", "Apache 2.0"),
        ("Apache 1.1", "Apache 2.0"),
        ("GPL-3.0", "LGPL-3.0"),
        ("GPL-3.0", "GPL-3.0+"),
        ("BSD 2-Clause", "BSD 3-Clause"),
        ("CC BY 3.0 US", "CC BY 3.0"),
        ("MIT or Apache-2.0", "MIT"),
        ("not MIT", "MIT"),
        ("其他", "商用"),
    ],
)
def test_what_is_not_surely_the_same_is_different(one: str, other: str) -> None:
    assert license_key(one) != license_key(other)


@given(st.text(max_size=30))
def test_a_key_is_its_own_key(name: str) -> None:
    assert license_key(license_key(name)) == license_key(name)


def test_without_a_list_everything_trains_and_with_one_only_what_it_names() -> None:
    for license in ("Apache License 2.0", None, "House rules"):
        check_license(chat("a", "b", license=license), None)
    check_license(chat("a", "b", license="Apache License 2.0"), ["Apache-2.0", "MIT"])
    with pytest.raises(NotLicensed, match="licence not allowed") as caught:
        check_license(chat("a", "b", license="CC BY-NC 4.0"), ["MIT", "Apache-2.0"])
    bound = ["Apache-2.0", "MIT"]
    assert caught.value.detail() == {
        "field": "license", "value": "CC BY-NC 4.0", "bound": bound, "rule": "licenses.allow"
    }  # fmt: skip
    with pytest.raises(NotLicensed, match="no licence"):
        check_license(chat("a", "b"), ["MIT"])


def test_rows_that_never_train_need_no_licence() -> None:
    check_license(chat("a", "b", use="decontaminate", license="secret"), ["MIT"])


def test_a_files_rows_are_stopped_by_their_own_licence_and_by_their_sources(tmp_path: Path) -> None:
    values = [
        {"instruction": "a", "output": "x", "license": "mit license"},
        {"instruction": "b", "output": "x", "license": "CC-BY-NC-4.0"},
        {"instruction": "c", "output": "x"},
    ]
    file = write_jsonl(tmp_path / "rows.jsonl", values)
    artifact = ingested(file, allowed=("MIT",))
    assert [row["origin"]["row"] for row in rows(artifact)] == [1]
    assert [(row, reason) for row, reason, _, _ in rejects(artifact)] == [(2, "licence not allowed"), (3, "no licence")]
    assert rejects(artifact)[0][2]["bound"] == ["MIT"]
    assert len(rows(ingested(file, allowed=("MIT",), license="MIT"))) == 2
    assert len(rows(ingested(file))) == 3


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"license": ["cc-by-nc-4.0"]}, "cc-by-nc-4.0"),
        ({"license": ["MIT", "GPL-3.0"]}, "MIT and GPL-3.0"),
        ({"licenses": ["GPL-3.0"]}, "GPL-3.0"),
        ({"licence": "GPL-3.0"}, "GPL-3.0"),
        ({"license": {"id": "GPL-3.0"}}, '{"id":"GPL-3.0"}'),
        ({"license": 7}, "7"),
        ({"license": "MIT", "licenses": ["MIT", "GPL-3.0"]}, "MIT and GPL-3.0"),
    ],
)
def test_a_rows_own_licence_binds_in_whatever_shape_and_is_never_replaced_by_its_sources(
    tmp_path: Path, own: dict[str, object], told: str
) -> None:
    file = write_jsonl(tmp_path / "rows.jsonl", [{"instruction": "a", "output": "x", **own}])
    assert [row["license"] for row in rows(ingested(file, license="MIT"))] == [told]
    stopped = rejects(ingested(file, allowed=("MIT",), license="MIT"))
    assert [(reason, detail["value"]) for _, reason, detail, _ in stopped] == [("licence not allowed", told)]


def test_where_a_row_says_nothing_its_source_speaks(tmp_path: Path) -> None:
    values = [{"instruction": "a", "output": "x", "license": nothing} for nothing in (None, "", " ", [], [""])]
    assert {row["license"] for row in rows(ingested(write_jsonl(tmp_path / "a.jsonl", values), license="MIT"))} == {
        "MIT"
    }
