"""A person moves the registry's aliases: promotes a version against the gate's verdict, or takes the champion back.

Each can be killed between its steps and said again. Who, when and why stay with the version as a tag.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuneloom.errors import ConfigError, UnknownModel
from tuneloom.release.connection import connect, exists
from tuneloom.release.load import find_registered
from tuneloom.release.presence import MODEL_ID_TAG
from tuneloom.release.processes import user_name
from tuneloom.release.registry import (
    JUDGED_TAG,
    RELEASE_TAG,
    TRAIN_TAG,
    VERDICT_TAG,
    WITHDRAWN_TAG,
    Registered,
    moving_aliases,
    one_before,
    promote,
    restore_previous,
    settle,
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


def promote_by_hand(home: Path, uri: str, why: str | None, by: str | None = None) -> Move:
    """Makes `models:/NAME/3` (or an alias) the champion where its verdict is promote and still holds, or `why` says
    why it should be all the same. `by` is who wants it: by default this process's user.

    Raises ConfigError where the verdict is against it, was made against another champion, or the version was rolled
    back, and no reason is given; UnknownModel where there is no such version.
    """
    name = find_registered(uri, home).name
    client = connect(home)
    with moving_aliases(home, name):
        settle(client, name)
        found = find_registered(uri, home)  # again: what was read before the lock may have changed
        number = int(found.version)
        if RELEASE_TAG not in found.tags:
            raise ConfigError(f"{uri} was not registered by Tuneloom", where=uri, remedy="Move its aliases in MLflow.")
        current = version_by_alias(client, name, "champion")
        before = int(current.version) if current is not None else None
        withdrawn = WITHDRAWN_TAG in found.tags
        if before == number and not withdrawn:
            return Move(name, before, number, f"version {number} is the champion of {name} already")
        objection = _objection(found, current)
        if objection and not why:
            raise ConfigError(
                objection,
                where=f"models:/{name}/{number}",
                remedy='Run the pipeline to judge it anew, or say why all the same: --override "REASON".',
            )
        if objection:
            client.set_model_version_tag(name, str(number), OVERRIDE_TAG, _signed(by, why or "", objection=objection))
        promote(client, Registered(name, number, found.tags[MODEL_ID_TAG], promoted=False))
        if withdrawn:  # last: killed before, the same call again asks for its reason again, and ends here
            client.delete_model_version_tag(name, str(number), WITHDRAWN_TAG)
    was = f"version {before} is `previous`" if before else "there was none before"
    lifted = "; it is no longer withdrawn" if withdrawn else ""
    return Move(name, before, number, f"version {number} is now the champion of {name}; {was}{lifted}")


def roll_back(home: Path, name: str, why: str, by: str | None = None) -> Move:
    """Makes the version that the champion came after the champion again; those that were withdrawn are passed over.

    The one taken back is tagged with who (`by`, by default this process's user), when and why, and no rerun promotes
    it anew. Raises UnknownModel where `name` has no champion, ConfigError where there is nothing before it to go back
    to.
    """
    client = connect(home) if exists(home) else None
    with moving_aliases(home, name):
        killed = client is not None and settle(client, name)
        current = version_by_alias(client, name, "champion") if client else None
        if client is None or current is None:
            raise UnknownModel(
                f"{name} has no champion",
                where=f"models:/{name}@champion",
                remedy="`tuneloom runs` lists what there is.",
            )
        if killed:
            told = f"version {current.version} is the champion of {name}: an earlier move is now complete"
            return Move(name, int(current.version), int(current.version), told)
        before = one_before(client, name, current)
        if before is None:
            raise ConfigError(
                f"there is no champion of {name} before version {current.version} that was not withdrawn",
                where=f"models:/{name}@previous",
                remedy="Promote another version: tuneloom promote models:/NAME/VERSION.",
            )
        tag = _signed(by, why, to=int(before.version))
        client.set_model_version_tag(name, str(current.version), WITHDRAWN_TAG, tag)
        client.set_registered_model_alias(name, "previous", str(before.version))  # both the same: `settle` sees a kill
        client.set_registered_model_alias(name, "champion", str(before.version))
        restore_previous(client, name, before)
    told = f"version {before.version} is the champion of {name} again; version {current.version} is withdrawn"
    return Move(name, int(current.version), int(before.version), told)


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


def _signed(by: str | None, why: str, **more: Any) -> str:
    """`{"by": "jane", "at": "2026-11-24T10:00:00+00:00", "why": "answers in French", ...}`"""
    signature = {"by": by or user_name(), "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+00:00}", "why": why}
    return json.dumps({**signature, **more}, ensure_ascii=False)
