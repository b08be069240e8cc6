"""Imported where workers are forked from, so that none of them imports, compiles and loads the models by itself."""

import pyarrow as pa

from tuneloom.ingest import block
from tuneloom.text.language import detect_languages

detect_languages(["Warm."])
pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps what was freed

__all__ = ["block"]
