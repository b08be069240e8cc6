"""A person moves the registry's aliases: promotes a version against the gate's verdict, or takes the champion back.

Each can be killed between its steps and said again. Who, when and why stay with the version as a tag.
"""

import getpass
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuneloom.errors import ConfigError, UnknownModel
from tuneloom.release.connection import connect, exists
from tuneloom.release.load import find_registered
from tuneloom.release.presence import MODEL_ID_TAG
from tuneloom.release.registry import (
    JUDGED_TAG,
    PROMOTED_TAG,
    RELEASE_TAG,
    TRAIN_TAG,
    VERDICT_TAG,
    WITHDRAWN_TAG,
    Registered,
    moving_aliases,
    promote,
    version_by_alias,
)

OVERRIDE_TAG = "tuneloom.override"
"""Of a version that was promoted without the gate's yes: who, when, why."""


@dataclass(frozen=True)
class Move:
    """What happened to the alias `champion` of `name`: from version `before` (None: there was none) to `after`."""

    name: str
    before: int | None
    after: int
    told: str


def promote_by_hand(home: Path, uri: str, why: str | None) -> Move:
    """Makes `models:/NAME/3` (or an alias) the champion where its verdict is promote and still holds, or `why` says
    why it should be all the same.

    Raises ConfigError where the verdict is against it, was made against another champion, or the version was rolled
    back, and no reason is given; UnknownModel where there is no such version.
    """
    found = find_registered(uri, home)
    name, number = found.name, int(found.version)
    if RELEASE_TAG not in found.tags:
        raise ConfigError(f"{uri} was not registered by Tuneloom", where=uri, remedy="Move its aliases in MLflow.")
    client = connect(home)
    with moving_aliases(home, name):
        current = version_by_alias(client, name, "champion")
        before = int(current.version) if current is not None else None
        if before == number:
            return Move(name, before, number, f"version {number} is the champion of {name} already")
        objection = _objection(found, current)
        if objection and not why:
            raise ConfigError(
                objection,
                where=f"models:/{name}/{number}",
                remedy='Run the pipeline to judge it anew, or say why all the same: --override "REASON".',
            )
        if objection:
            client.set_model_version_tag(name, str(number), OVERRIDE_TAG, _signed(why or "", objection=objection))
        if WITHDRAWN_TAG in found.tags:
            client.delete_model_version_tag(name, str(number), WITHDRAWN_TAG)
        promote(client, Registered(name, number, found.tags[MODEL_ID_TAG], promoted=False))
    was = f"version {before} is `previous`" if before else "there was none before"
    return Move(name, before, number, f"version {number} is now the champion of {name}; {was}")


def roll_back(home: Path, name: str, why: str) -> Move:
    """Makes the version behind `previous` the champion again, and `previous` the one that it came after.

    The one taken back is tagged with who, when and why, and no rerun promotes it anew. Raises UnknownModel where
    `name` has no champion, ConfigError where there is nothing before it.
    """
    client = connect(home) if exists(home) else None
    with moving_aliases(home, name):
        current = version_by_alias(client, name, "champion") if client else None
        if client is None or current is None:
            raise UnknownModel(
                f"{name} has no champion",
                where=f"models:/{name}@champion",
                remedy="`tuneloom runs` lists what there is.",
            )
        previous = version_by_alias(client, name, "previous")
        if previous is None:
            raise ConfigError(
                f"there is no champion of {name} before version {current.version}",
                where=f"models:/{name}@previous",
                remedy="Promote another version: tuneloom promote models:/NAME/VERSION.",
            )
        if previous.version != current.version:
            tag = _signed(why, to=int(previous.version))
            client.set_model_version_tag(name, str(current.version), WITHDRAWN_TAG, tag)
            client.set_registered_model_alias(name, "champion", str(previous.version))
            told = f"version {previous.version} is the champion of {name} again; version {current.version} is withdrawn"
        else:  # one was killed before its last step
            told = f"version {current.version} is the champion of {name}: an earlier move is now complete"
        _restore_previous(client, name, previous)
        return Move(name, int(current.version), int(previous.version), told)


def _objection(found: Any, current: Any | None) -> str | None:
    """Why the gate's verdict does not make this version champion."""
    number, verdict = found.version, found.tags.get(VERDICT_TAG)
    if WITHDRAWN_TAG in found.tags:
        return f"version {number} was rolled back: {found.tags[WITHDRAWN_TAG]}"
    if verdict != "promote":
        return f"the gate's verdict on version {number} is {verdict}"
    judged = found.tags.get(JUDGED_TAG, "none")
    stands = current.tags.get(TRAIN_TAG) if current is not None else "none"
    if judged != stands:
        champion = f"version {current.version}" if current is not None else "none"
        return f"version {number} was judged against another champion than there is now ({champion})"
    return None


def _restore_previous(client: Any, name: str, version: Any) -> None:
    """Lets `previous` name what `version` was promoted after; nothing where that is gone."""
    after = re.fullmatch(r"after version (\d+)", version.tags.get(PROMOTED_TAG, ""))
    known = {str(one.version) for one in client.search_model_versions(f"name = '{name}'")}
    if after and after[1] in known:
        client.set_registered_model_alias(name, "previous", after[1])
    else:
        client.delete_registered_model_alias(name, "previous")


def _signed(why: str, **more: Any) -> str:
    """`{"by": "jane", "at": "2026-11-24T10:00:00+00:00", "why": "answers in French", ...}`"""
    signature = {"by": getpass.getuser(), "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+00:00}", "why": why}
    return json.dumps({**signature, **more}, ensure_ascii=False)
