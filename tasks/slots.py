"""One training at a time, by a named limit of the Prefect server: `tuneloom-training`.

A slot is held while weights are trained and at no other time: not by a run that waits for a person, nor by one that
finds its model in the store. Without the limit (an embedded server has none) nothing waits.
"""

import contextlib
from collections.abc import Iterator

from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run

TRAINING = "tuneloom-training"


def make_training_slot(slots: int = 1) -> None:
    """Makes the limit on the server that the environment names; one that is there keeps its number of slots."""
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(TRAINING)
        except ObjectNotFound:
            client.upsert_global_concurrency_limit_by_name(TRAINING, slots)


@contextlib.contextmanager
def training_slot() -> Iterator[None]:
    """Holds a slot for the block where the flow run's server has the limit; waits for one as long as it takes.

    A renewal that fails for a moment does not end a training. The slot of a killed process comes free with its lease.
    """
    if flow_run.id is None or not _limited():
        yield
        return
    with concurrency(TRAINING, strict=True, raise_on_lease_renewal_failure=False):
        yield


def _limited() -> bool:
    with get_client(sync_client=True) as client:
        try:
            return client.read_global_concurrency_limit_by_name(TRAINING).active
        except ObjectNotFound:
            return False
