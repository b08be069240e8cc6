"""A manifest is read, or refused with the reason: damage is made again, another version's work is left alone."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tuneloom.artifacts import Counts, Spec
from tuneloom.artifacts.manifest import StoredFile, Takedown, make_manifest, manifest_from_json
from tuneloom.errors import BrokenArtifact, OtherVersion, TakenDown

MANIFEST = make_manifest(
    Spec("dedup", "code"), Counts(2, 0, 2, 0, 0), {}, (StoredFile("part-00000.parquet", 3, "d", 1, 2),), (), 0.5
)


def changed(**change: Any) -> str:
    return json.dumps({**json.loads(MANIFEST.to_json()), **change})


@pytest.mark.parametrize("takedown", [None, Takedown(("a", "b"), "asked")])
def test_a_manifest_reads_back_as_written(takedown: Takedown | None) -> None:
    manifest = replace(MANIFEST, takedown=takedown, upload="u")
    assert manifest_from_json(manifest.to_json(), "here") == manifest


@pytest.mark.parametrize(
    "text",
    [
        changed(schema_version=1),
        changed(schema_version=99, files="of another shape"),
        changed(invented="field"),
        changed(counts={**json.loads(MANIFEST.to_json())["counts"], "postponed": 3}),
    ],
)
def test_another_versions_manifest_is_told_apart_from_damage(text: str) -> None:
    with pytest.raises(OtherVersion, match="Use the Tuneloom that wrote it"):
        manifest_from_json(text, "here")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", b"\xff", changed(files=[{}]), changed(counts=None)])
def test_damage_is_damage(text: str | bytes) -> None:
    with pytest.raises(BrokenArtifact, match="unreadable manifest") as told:
        manifest_from_json(text, "here")
    assert not isinstance(told.value, OtherVersion)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", ""])
def test_no_path_leaves_the_artifact(path: str) -> None:
    file = json.loads(MANIFEST.to_json())["files"][0]
    with pytest.raises(BrokenArtifact, match="names the path"):
        manifest_from_json(changed(files=[{**file, "path": path}]), "here")
    if path:
        with pytest.raises(BrokenArtifact, match="names the path"):
            manifest_from_json(changed(upload=path), "here")


def test_a_tombstone_says_why() -> None:
    assert MANIFEST.state == "whole"
    tombstone = replace(MANIFEST, takedown=Takedown(("a",), "asked by the author"))
    assert tombstone.state == "taken down"
    with pytest.raises(TakenDown, match="asked by the author"):
        tombstone.check_state()
