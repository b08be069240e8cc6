"""MLflow's door to a registered model: `mlflow.pyfunc.load_model("models:/NAME@champion").predict(...)`.

MLflow calls `_load_pyfunc` by this module's name, written in the model's MLmodel. The base comes from the card's name,
or from `model_config={"base": FOLDER}`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuneloom.release.chat import generate_reply
from tuneloom.release.load import load_packed


class RegisteredModel:
    """What MLflow wraps: a model, its tokenizer, and `predict`."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> list[str]:
        """One reply a row: a data frame with column `messages` (lists of `{"role", "content"}`) -> list of text."""
        length = int((params or {}).get("max_new_tokens", 128))
        return [
            generate_reply(self.model, self.tokenizer, [dict(message) for message in messages], length)
            for messages in data["messages"]
        ]


def _load_pyfunc(data_path: str, model_config: Mapping[str, Any] | None = None) -> RegisteredModel:
    base = (model_config or {}).get("base")
    return RegisteredModel(*load_packed(Path(data_path), [str(base)] if base else []))
