"""Data sets of the Hugging Face hub: `hub:owner/name` or `hub:owner/name@revision`, through the local hub cache."""

import os
from functools import cache
from pathlib import Path

from tuneloom.errors import ConfigError, MissingFile, NotPermitted, TuneloomError
from tuneloom.ingest.readers.filetypes import NO_DATA_ENDINGS

_PREFIXES = ("hub:", "hf://")


def is_on_hub(path: str) -> bool:
    """Whether a source's path names the hub: "hub:tatsu-lab/alpaca" does, and so does fsspec's "hf://"."""
    return path.startswith(_PREFIXES)


def snapshot(path: str, where: str) -> Path:
    """The folder of a data set's files, downloaded first where that is allowed; media and code are left there.

    "hub:owner/name@v1" -> ~/.cache/huggingface/hub/datasets--owner--name/snapshots/<commit>. The hub is asked once a
    process, and only where HF_HUB_OFFLINE is not 1. Raises ConfigError, MissingFile or NotPermitted.
    """
    name, _, revision = path.removeprefix("hub:").partition("@")
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    return _snapshot(name, revision or None, offline, f"{where}: {path}")


@cache
def _snapshot(name: str, revision: str | None, offline: bool, where: str) -> Path:
    """Remembered, so that a branch that moves meanwhile does not move under a run."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            name,
            repo_type="dataset",
            revision=revision,
            local_files_only=offline,
            ignore_patterns=[f"*{ending}" for ending in NO_DATA_ENDINGS],
        )
    except HFValidationError as error:
        raise ConfigError(
            f"{name!r} is no name of the hub", where=where, remedy="Write hub:owner/name or hub:owner/name@revision."
        ) from error
    except LocalEntryNotFoundError as error:
        state = "is off (HF_HUB_OFFLINE=1)" if offline else "cannot be reached"
        version = f" at {revision}" if revision else ""
        raise ConfigError(
            f"the data set {name!r}{version} is not in the local hub cache, and the hub {state}",
            where=where,
            remedy="Run once with the hub on, or download the files and give their folder.",
        ) from error
    except HfHubHTTPError as error:
        raise _refused(name, revision, error, where) from error
    return Path(folder)


def _refused(name: str, revision: str | None, error: Exception, where: str) -> TuneloomError:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        cure = "Ask for access on its page on the hub, and log in with `hf auth login`."
        return NotPermitted(f"the data set {name!r} asks for a licence to be accepted", where=where, remedy=cure)
    if isinstance(error, RevisionNotFoundError):
        cure = "Correct what follows the @, or drop it for the main branch."
        return MissingFile(f"the data set {name!r} has no revision {revision!r}", where=where, remedy=cure)
    if isinstance(error, RepositoryNotFoundError):
        cure = "Correct the name; for a private one log in with `hf auth login`."
        return MissingFile(f"the hub has no data set {name!r} that you may see", where=where, remedy=cure)
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ConfigError(f"the hub does not give {name!r}: {first}", where=where, remedy="Try again later.")
