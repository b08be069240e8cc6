"""Tuneloom: raw instruction data in; an evaluated, registered, reversible model out; every step visible."""

import os

__version__ = "0.1.0"

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
"""Chosen as Arrow is loaded, so here; its own pools keep what was freed (memory.py)."""
