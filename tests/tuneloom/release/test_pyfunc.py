"""MLflow's door to a model: what `predict` takes and gives."""

from pathlib import Path

import pandas as pd

from tests.tuneloom.release.conftest import World
from tuneloom.release.chat import generate_reply
from tuneloom.release.package import pack_model
from tuneloom.release.pyfunc import _load_pyfunc

HELLO = [{"role": "user", "content": "Hello"}]
BYE = [{"role": "user", "content": "Bye"}]


def test_one_reply_a_row_as_long_as_the_parameter_says(world: World, tmp_path: Path) -> None:
    pack_model(world.chain(tag="pyfunc")["train"], world.base, {}, None, tmp_path)
    loaded = _load_pyfunc(str(tmp_path), {"base": str(world.base.path)})
    replies = loaded.predict(pd.DataFrame({"messages": [HELLO, BYE]}), {"max_new_tokens": 5})
    assert replies == [generate_reply(loaded.model, loaded.tokenizer, said, 5) for said in (HELLO, BYE)]
