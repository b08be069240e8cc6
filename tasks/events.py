"""Events that automations react to: data refreshed, source drifted, candidate registered, promoted (rolled back is the
command's)."""

from typing import Any

from prefect.events import emit_event

from tuneloom.artifacts import Artifact
from tuneloom.drift import Drift


def tell_refreshed(pipeline: str, data: Artifact) -> None:
    """`tuneloom.data.refreshed` of `tuneloom.pipeline.NAME`: what ingestion read anew."""
    counts = data.manifest.counts
    _emit(
        "tuneloom.data.refreshed", f"tuneloom.pipeline.{pipeline}", {"rows": counts.rows_out, "key": data.manifest.key}
    )


def tell_drifted(pipeline: str, drift: Drift) -> None:
    """`tuneloom.source.drifted` of `tuneloom.pipeline.NAME`: what of which source, by how much, over which bound."""
    payload = {"source": drift.source, "what": drift.what, "change": drift.change, "bound": drift.bound}
    _emit("tuneloom.source.drifted", f"tuneloom.pipeline.{pipeline}", {**payload, "told": drift.line})


def tell_released(said: dict[str, Any]) -> None:
    """`tuneloom.candidate.registered` and, where it is, `tuneloom.model.promoted`, of `tuneloom.model.NAME`."""
    resource = f"tuneloom.model.{said['model_name']}"
    payload = {name: said[name] for name in ("version", "model_uri", "verdict", "why_not")}
    _emit("tuneloom.candidate.registered", resource, payload)
    if said["promoted"]:
        _emit("tuneloom.model.promoted", resource, payload)


def _emit(event: str, resource: str, payload: dict[str, Any]) -> None:
    emit_event(event, resource={"prefect.resource.id": resource}, payload=payload)
