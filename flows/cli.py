"""The command line: parses, dispatches, and turns every error into one paragraph and an exit code.

    tuneloom run CONFIG [--set K=V]... [--until STAGE] [--limit N] [--json]

Each command is a file of `flows/commands` with `add_arguments`, `run` and a one-line docstring; it is found there.
Commands import what they need when they run, so `--help` answers at once. A mistake in the call is an error like any.
"""

import argparse
import importlib
import json
import logging
import os
import pkgutil
import select
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tuneloom import __version__
from tuneloom.errors import ConfigError, NotPermitted, TuneloomError

log = logging.getLogger("tuneloom")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code (0 done, 1 failed, 2 wrong call, 3 no data, 4 a person must decide)."""
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except BrokenPipeError:  # after `| head -1`: nobody is left to tell anything
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _run(arguments: list[str]) -> int:
    options = argparse.Namespace(json="--json" in arguments)  # until they are parsed
    try:
        options = _parser().parse_args(arguments)
        return int(importlib.import_module(f"flows.commands.{options.command}").run(options))
    except TuneloomError as error:
        return _fail(options, error)
    except PermissionError as error:
        where = str(error.filename or "")
        return _fail(options, NotPermitted("no permission", where=where, remedy="Change the permissions of that path."))
    except KeyboardInterrupt:
        return _fail(options, TuneloomError("stopped by hand", remedy="Run again: it goes on from what is finished."))
    except Exception as error:  # the one broad except: the user gets a paragraph, the log a traceback
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            raise
        if isinstance(error, OSError) and (full := _disk_full(error)):
            return _fail(options, full, error)
        what = f"{type(error).__name__}: {error}".strip()
        return _fail(options, TuneloomError(what, remedy="The traceback is in the log; run again to resume."), error)


def _disk_full(error: OSError) -> TuneloomError | None:
    """A full disk where no stage wrote: records, logs."""
    from tuneloom.artifacts.space import FULL, disk_full

    return disk_full(error, str(error.filename or "the run's records")) if error.errno in FULL else None


class _Parser(argparse.ArgumentParser):
    """Raises ConfigError where argparse would print its usage and leave."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message, where=self.prog, remedy=f"See `{self.prog} --help`.")


def _parser() -> argparse.ArgumentParser:
    """All commands; each module imports next to nothing before it runs."""
    parser = _Parser(prog="tuneloom", description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"tuneloom {__version__}")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help=_HOME_HELP)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    from flows import commands as package

    for name in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        module = importlib.import_module(f"flows.commands.{name}")
        summary = (module.__doc__ or "").strip().split("\n")[0]
        command = commands.add_parser(name, help=summary, description=module.__doc__, allow_abbrev=False)
        module.add_arguments(command)
        command.add_argument("--home", type=Path, metavar="FOLDER", default=argparse.SUPPRESS, help=_HOME_HELP)
    return parser


_HOME_HELP = (
    "the .tuneloom folder (store, records, logs). Default: the one beside CONFIG, else the nearest one above it, else "
    "a new one beside it; without CONFIG the nearest one upwards from here. One in the user's home directory or at the "
    "file system's root is used from that very folder only."
)


def _fail(options: argparse.Namespace, error: TuneloomError, cause: BaseException | None = None) -> int:
    if getattr(options, "json", False):
        print(json.dumps({"error": error.as_dict()}, ensure_ascii=False), flush=True)
    else:
        print(f"tuneloom: {error}", file=sys.stderr)
    if hasattr(options, "command"):
        _write_log(options, cause or error)
    return error.exit_code


def _nobody_reads() -> bool:
    """Whether standard output is a pipe whose reader has gone."""
    watch = select.poll()
    watch.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in watch.poll(0))


def _write_log(options: argparse.Namespace, error: BaseException) -> None:
    """Appends the traceback to `.tuneloom/logs/tuneloom.log` where that folder can be had."""
    from flows.project import home_of

    text = "".join(traceback.format_exception(error))
    try:
        folder = home_of(options) / "logs"
        if folder.parent.is_dir():
            folder.mkdir(exist_ok=True)
            with (folder / "tuneloom.log").open("a", encoding="utf-8") as stream:
                stream.write(text)
    except (OSError, TuneloomError):
        log.debug("no log written: %s", text)


if __name__ == "__main__":
    sys.exit(main())
