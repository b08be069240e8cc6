"""Imported where workers are forked from, so that none of them imports, compiles and loads the models by itself."""

import numpy as np
import pyarrow as pa

from tuneloom.ingest import block, express
from tuneloom.ingest.exchanges import cut, exchanges, words_of
from tuneloom.ingest.readers.flat_lines import flat_lines
from tuneloom.text.exchange_ids import exchange_ids
from tuneloom.text.kinds import kinds_of
from tuneloom.text.languages import languages_of

_said, _ = exchanges(flat_lines(b'{"q": "Is it warm?", "a": "Yes."}', ("q", "a")), ())
cut(_said.text, np.array([[0, 1]]))
exchange_ids(_said.text, _said.bounds)
languages_of(*words_of(_said, 9))
kinds_of(*words_of(_said, 9))
pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps what was freed

__all__ = ["block", "express"]
