"""The artifact store: immutable, keyed by inputs, committed whole, checked for conservation.

store = Store(".tuneloom/store")
artifact = store.ensure(Spec("dedup", code_digest("tuneloom.dedup"), parents=(ingest,)), build)
"""

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.conservation import check_handover
from tuneloom.artifacts.keys import Reference, Spec, code_digest
from tuneloom.artifacts.locks import lock
from tuneloom.artifacts.manifest import Counts, Manifest, file_digest
from tuneloom.artifacts.memo import MemoRows, no_memo
from tuneloom.artifacts.remote import user_cache
from tuneloom.artifacts.store import Store
from tuneloom.artifacts.writer import Writer

__all__ = [
    "Artifact",
    "Counts",
    "Manifest",
    "MemoRows",
    "Reference",
    "Spec",
    "Store",
    "Writer",
    "check_handover",
    "code_digest",
    "file_digest",
    "lock",
    "no_memo",
    "user_cache",
]
