"""The licence of a folder: plain words count, and nothing is guessed."""

from pathlib import Path

import pytest

from tuneloom.survey.stated import stated_license

APACHE = "                                 Apache License\n                           Version 2.0, January 2004\n"


@pytest.mark.parametrize(
    ("name", "text", "license"),
    [
        ("LICENSE", f"\n{APACHE}   http://www.apache.org/licenses/\n", "Apache-2.0"),
        ("LICENSE.txt", "MIT License\n\nCopyright (c) 2023 Somebody\n", "MIT"),
        ("LICENSE", "Attribution-NonCommercial 4.0 International\n\n=====\nCreative Commons Corporation", None),
        ("LICENSE", "Creative Commons Attribution-NonCommercial 4.0 International\n", "CC-BY-NC-4.0"),
        ("COPYING", "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007", None),
        ("LICENSE", "All rights reserved. Not under the MIT License.\n", None),
        ("README.md", "---\nlicense: cc-by-sa-3.0\ntags: [a]\n---\n# Data\n", "CC-BY-SA-3.0"),
        ("README.md", "---\nlicense: other\n---\n# Data\n", None),
        ("README.md", "---\nlicense: [mit, cc-by-4.0]\n---\n", None),
        ("README.md", "# Data\n\n**License:** MIT\n", "MIT"),
        ("README.md", "- Licence: CC BY 4.0.\n", "CC-BY-4.0"),
        ("README.md", "The dataset is licensed under the Apache License, Version 2.0.\n", None),
        ("README.md", "Licensed under the MIT license.\n", "MIT"),
        ("README.md", "License: see the paper\n", None),
        ("README.md", "Code is MIT, data is CC BY-NC 4.0.\n", None),
        ("notes.txt", "License: MIT\n", None),
    ],
)
def test_a_folders_licence(tmp_path: Path, name: str, text: str, license: str | None) -> None:
    (tmp_path / name).write_text(text)
    assert stated_license(tmp_path) == license


def test_two_that_differ_are_none(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("MIT License\n")
    (tmp_path / "README.md").write_text("License: CC BY-NC 4.0\n")
    assert stated_license(tmp_path) is None
    (tmp_path / "README.md").write_text("License: mit\n")
    assert stated_license(tmp_path) == "MIT"
