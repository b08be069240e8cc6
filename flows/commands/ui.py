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
    """Stands until Ctrl-C or `--stop`."""
    import threading

    from flows.console import TerminalReporter
    from flows.project import home_of, make_home
    from flows.standing import end_standing, stand

    reporter, home = TerminalReporter(), home_of(options)
    if options.stop:
        reporter.say("ended" if end_standing(home) else "nothing stands here")
        return 0
    make_home(home)
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    former = signal.signal(signal.SIGTERM, end), signal.signal(signal.SIGINT, end)
    try:
        with stand(home, options.port, options.mlflow_port, options.config, reporter.say) as told:
            reporter.say(f"Prefect  {told.prefect}\nMLflow   {told.mlflow}")
            reporter.say("Runs from the command line appear there, too. Ctrl-C, or `tuneloom ui --stop`, ends it.")
            ended.wait()
            reporter.say("Ending")
    finally:
        for which, handler in zip((signal.SIGTERM, signal.SIGINT), former, strict=True):
            signal.signal(which, handler)
    return 0
