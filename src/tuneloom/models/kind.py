"""What kind of model a folder holds, from its config alone: no torch, so that planning stays quick."""

import json
from pathlib import Path


def is_encoder_decoder(folder: Path) -> bool:
    """Whether the model reads with an encoder and answers with a decoder, as T5 and BART do."""
    return bool(json.loads((folder / "config.json").read_text("utf-8")).get("is_encoder_decoder"))
