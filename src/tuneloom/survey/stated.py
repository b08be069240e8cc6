"""The licence that a folder states itself: in a LICENSE, in a data card's header, in a README's plain line.

Only plain words count. A licence that is wrong is worse than none: rows could train that must not.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from tuneloom.ingest.licenses import license_key

_TITLES = {
    "mit": "MIT",
    "apache-2.0": "Apache-2.0",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-2-clause": "BSD-2-Clause",
    "cc0-1.0": "CC0-1.0",
    "gpl-3.0": "GPL-3.0",
    **{f"cc-by{kind}-{number}": f"CC-BY{kind.upper()}-{number}"
       for kind in ("", "-nc", "-sa", "-nd", "-nc-sa", "-nc-nd") for number in ("3.0", "4.0")},
}  # fmt: skip
"""Licences that are recognised, by their key, in SPDX's spelling."""

_LINE = re.compile(r"^[\W_]*(?:(?:the|data|dataset)\s+)*licen[cs]ed?[\W_]*(?::|under\b)[\W_]*(.+?)[\W_]*$", re.I)
_MOST = 64 << 10


def stated_license(folder: Path) -> str | None:
    """The one licence that the files of a folder state, in SPDX's spelling; None for none or several.

    README.md with "---\\nlicense: cc-by-4.0\\n---", or with "License: MIT"; LICENSE that begins with "MIT License".
    """
    found: set[str] = set()
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if name.startswith(("license", "licence", "copying", "readme")) and path.is_file():
            with path.open("rb") as stream:
                text = stream.read(_MOST).decode("utf-8", "replace")
            found |= _of_readme(text) if name.startswith("readme") else _of_license(text)
    return found.pop() if len(found) == 1 else None


def _of_license(text: str) -> set[str]:
    """A licence's text begins with its name, on one line or two: "Apache License\\nVersion 2.0, January 2004"."""
    lines = [line.strip(" #*\t\r") for line in text.split("\n") if line.strip(" #*\t\r")][:2]
    titles = [*lines, " ".join(lines), re.sub(r",\s*\w+ \d{4}$", "", " ".join(lines))]
    return _known(titles)


def _of_readme(text: str) -> set[str]:
    card = re.match(r"---\n(.*?)\n---\n", text, re.S)
    stated: list[object] = []
    if card:
        try:
            header = yaml.safe_load(card[1])
        except (yaml.YAMLError, ValueError):
            header = None
        value = header.get("license") if isinstance(header, dict) else None
        stated += value if isinstance(value, list) else [value]
    stated += [match[1] for line in text.split("\n") if (match := _LINE.match(line.strip()[:300]))]
    return _known(stated)


def _known(names: Iterable[object]) -> set[str]:
    keys = {license_key(name) for name in names if isinstance(name, str)}
    return {_TITLES[key] for key in keys if key in _TITLES}
