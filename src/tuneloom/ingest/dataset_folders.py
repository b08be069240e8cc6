"""Folders that the `datasets` library wrote (`save_to_disk`, or its cache): which of their files hold rows.

folder/dataset_dict.json              {"splits": ["train", "test"]}: no other folder beside is part of it
folder/train/state.json               {"_data_files": [{"filename": "data-00000-of-00002.arrow"}, ...]}
folder/train/data-00000-of-00002.arrow        cache-6f1c2a.arrow        dataset_info.json
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Any

_STATE, _DICT, _INFO = "state.json", "dataset_dict.json", "dataset_info.json"
_CACHE = re.compile(r"cache-.+\.arrow")


def data_files(names: Iterable[str], read: Callable[[str], bytes]) -> list[str]:
    """The names of the files that hold rows: in a folder that `datasets` wrote the listed shards, elsewhere all.

    ["train/state.json", "train/data-00000-of-00001.arrow", "train/cache-1.arrow"] -> the second one. A listed shard
    is named even where it is missing. Shards' numbers are padded: names sort as they are listed.
    """
    given = [PurePosixPath(name) for name in names]
    shards = {path.parent: _listed(read(str(path))) for path in given if path.name == _STATE}
    splits = {path.parent: _splits(read(str(path))) for path in given if path.name == _DICT}
    known = {folder: files for folder, files in shards.items() if files is not None}
    taken = {folder / file for folder, files in known.items() for file in files}
    described = {path.parent for path in given if path.name == _INFO} | known.keys()
    for path in given:
        if path.parent in known or (path.parent in described and _is_beside_rows(path.name)):
            continue
        if path.name == _DICT and splits[path.parent] is not None:
            continue
        taken.add(path)
    return sorted(str(path) for path in taken if not _is_no_split(path, splits))


def _is_beside_rows(name: str) -> bool:
    return name == _INFO or bool(_CACHE.fullmatch(name))


def _is_no_split(path: PurePosixPath, splits: dict[PurePosixPath, set[str] | None]) -> bool:
    """Whether the file lies below a DatasetDict, in a folder that is none of its splits."""
    return any(
        names is not None and folder in path.parents and path.relative_to(folder).parts[0] not in names
        for folder, names in splits.items()
    )


def _listed(state: bytes) -> list[str] | None:
    files = _value(state, "_data_files")
    if not isinstance(files, list) or not all(isinstance(file, dict) and "filename" in file for file in files):
        return None
    return [str(file["filename"]) for file in files]


def _splits(description: bytes) -> set[str] | None:
    names = _value(description, "splits")
    return set(map(str, names)) if isinstance(names, list) else None


def _value(document: bytes, key: str) -> Any:
    """A key's value; None in what is not the library's, for then it is a file like others."""
    try:
        found = json.loads(document)
    except ValueError:
        return None
    return found.get(key) if isinstance(found, dict) else None
