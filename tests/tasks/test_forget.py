"""A takedown in a pipeline that ran to its end, with its registry."""

import shutil
from pathlib import Path

from tests.tasks.conftest import Ended
from tuneloom.artifacts import Store
from tuneloom.forget import forget


def test_the_registered_version_that_used_a_row_is_listed_with_its_aliases(ended: Ended, tmp_path: Path) -> None:
    home = shutil.copytree(ended.run.plan.home, tmp_path / "home")
    used = ended.artifact("mixture").table(["id", "side"]).to_pylist()
    row = next(row["id"] for row in used if row["side"] == "train")
    done = forget(Store(home / "store"), home, tmp_path / "takedowns.txt", {row: ""}, "asked")
    model = next(one for one in done.models if one.version == 1)  # other tests may have registered more of them
    assert (model.model, model.used) == ("tiny", True)
    assert model.aliases
    assert {"ingest", "dedup", "mixture", "render", "evaluate", "report"} <= {one.stage for one in done.artifacts}
    assert not {"train", "release"} & {one.stage for one in done.artifacts}
