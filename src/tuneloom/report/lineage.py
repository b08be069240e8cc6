"""Where a run is recorded and what it was made of: links to MLflow and Prefect, sources, artifacts, settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuneloom.artifacts import Artifact
from tuneloom.release.description import run_page

LOCAL_MLFLOW, LOCAL_PREFECT = "http://127.0.0.1:5000", "http://127.0.0.1:4200"
"""Where `tuneloom ui` shows the records of a project without servers of its own."""


@dataclass(frozen=True)
class Recorded:
    """The run's id, its flow run's in Prefect, and Prefect's address for people; None for a server of the run's own,
    which is gone with it."""

    run: str | None = None
    flow_run: str | None = None
    prefect: str | None = None


@dataclass(frozen=True)
class Link:
    """A record: what it is, its id, where it is seen, and whether `tuneloom ui` must stand for that."""

    text: str
    id: str
    address: str
    local: bool


@dataclass(frozen=True)
class Lineage:
    """`sources` (source, file, digest) and `stages` (stage, key, seconds), both in the order of the run; `settings` are
    YAML by stage."""

    sources: tuple[tuple[str, str, str], ...]
    stages: tuple[tuple[str, str, float], ...]
    settings: Mapping[str, str]
    versions: Mapping[str, str]


def read_links(recorded: Recorded, released: Mapping[str, Any] | None) -> list[Link]:
    """The MLflow run and the flow run, those that there are."""
    links = []
    if released:
        page = run_page(released)
        address = page or run_page({**released, "tracking": LOCAL_MLFLOW}) or ""
        links.append(Link("MLflow run", released["mlflow_run_id"], address, local=page is None))
    if recorded.flow_run:
        address = f"{(recorded.prefect or LOCAL_PREFECT).rstrip('/')}/runs/flow-run/{recorded.flow_run}"
        links.append(Link("Prefect flow run", recorded.flow_run, address, local=recorded.prefect is None))
    return [link for link in links if link.address.startswith(("http://", "https://"))]


def read_lineage(artifacts: Mapping[str, Artifact]) -> Lineage:
    """From the sources' files to the release."""
    specs = {stage: artifact.manifest.spec for stage, artifact in artifacts.items()}
    files = specs.get("ingest", {}).get("inputs", {}).get("files", [])
    settings = {stage: _yaml(_settings(spec)) for stage, spec in specs.items() if _settings(spec)}
    last = artifacts.get("train", artifacts["evaluate"])
    return Lineage(
        tuple((source, relative, digest) for source, relative, digest, *_ in files),
        tuple((stage, one.reference.key, one.manifest.seconds) for stage, one in artifacts.items()),
        settings,
        dict(last.manifest.versions),
    )


def _settings(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {**spec["config"], **({"seed": spec["seed"]} if spec.get("seed") else {})}


def _yaml(section: Mapping[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(dict(section), sort_keys=False, allow_unicode=True).strip()
