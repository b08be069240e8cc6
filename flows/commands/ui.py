"""Watch and schedule: Prefect's and MLflow's pages, a worker, and the deployments of CONFIG, until you end it."""

import argparse
import signal
from pathlib import Path
from types import FrameType

from flows.arguments import count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG, ports, --stop."""
    parser.add_argument("config", type=Path, nargs="?", metavar="CONFIG", help="a YAML config to deploy")
    parser.add_argument("--port", type=count, default=4200, metavar="PORT", help="Prefect's (default 4200)")
    parser.add_argument("--mlflow-port", type=count, default=5000, metavar="PORT", help="MLflow's (default 5000)")
    parser.add_argument("--stop", action="store_true", help="end the one that stands here")


def run(options: argparse.Namespace) -> int:
    """Stands until Ctrl-C or `--stop`, also while it starts. Raises TuneloomError where a part of it ends by itself."""
    from flows.console import TerminalReporter
    from flows.project import home_of, make_home
    from flows.standing import end_standing, stand, watch

    reporter, home = TerminalReporter(), home_of(options)
    if options.stop:
        reporter.say("ended" if end_standing(home) else "nothing stands here")
        return 0
    make_home(home)
    former = {which: signal.signal(which, _end) for which in _ENDING}
    try:
        with stand(home, options.port, options.mlflow_port, options.config, reporter.say) as (told, parts):
            reporter.say(f"Prefect  {told.prefect}\nMLflow   {told.mlflow}")
            reporter.say("Runs from the command line appear there, too. Ctrl-C, or `tuneloom ui --stop`, ends it.")
            watch(parts)
    except KeyboardInterrupt:
        reporter.say("Ended")
    finally:
        for which, handler in former.items():
            signal.signal(which, handler)
    return 0


_ENDING = (signal.SIGTERM, signal.SIGINT)


def _end(number: int, frame: FrameType | None) -> None:
    """Ends what the command does, once: nothing interrupts the ending itself."""
    for which in _ENDING:
        signal.signal(which, signal.SIG_IGN)
    raise KeyboardInterrupt
