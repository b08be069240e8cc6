"""`tuneloom prepare`: a run that stops after render."""

from flows.cli import _parser
from flows.commands import prepare, run


def test_prepare_is_run_until_render() -> None:
    options = _parser().parse_args(["prepare", "c.yaml", "--limit", "2", "--json"])
    assert (options.until, options.limit, options.json) == ("render", 2, True)
    assert prepare.run is run.run
