"""Which metrics of a suite this machine cannot measure: known before any model is asked, part of the scores' key."""

from tuneloom.evaluate.metrics import load_metrics
from tuneloom.records import canonical, digest
from tuneloom.suites import Suite


def missing_metrics(suite: Suite) -> dict[str, str]:
    """The suite's metrics that this machine cannot measure, and why."""
    known = load_metrics(suite.own_metrics)
    found = {name: known[name].missing() for name in suite.metrics if name in known}
    return {name: why for name, why in found.items() if why}


def asked_digest(suite: Suite) -> str:
    """Of all that decides its scores here: where a metric is missing, they are not those of another machine."""
    missing = missing_metrics(suite)
    return digest(canonical([suite.digest, sorted(missing)])) if missing else suite.digest
