"""Several processes of this machine train one model: one a GPU, or on the CPU a share of its cores each.

torch's own spawn starts them, a file is where they meet (no port to collide on), and they speak over the loopback
interface alone. This process trains nothing: it hands on what the ranks tell, passes SIGTERM on, and where one rank
ends it ends the others and says why. At the end it takes the weights out of the last checkpoint, which the first rank
writes after the last step.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch.multiprocessing import ProcessContext, ProcessExitedException, ProcessRaisedException, start_processes

from tuneloom.artifacts import Artifact
from tuneloom.errors import ConfigError, TrainingError, TuneloomError
from tuneloom.models.probe import Machine
from tuneloom.train.checkpoint import newest, preemption, set_weights
from tuneloom.train.group import Group
from tuneloom.train.job import Job, Tell, Trained, train_here, trainee_of
from tuneloom.train.memory import free_bytes
from tuneloom.train.methods import factors
from tuneloom.train.reports import StepReport, TrainReport, ValidationReport
from tuneloom.train.trainer import BEST
from tuneloom.workers import end_with_parent

LISTEN_SECONDS = 0.2
GRACE_SECONDS = 10.0
"""How long ranks may end by themselves once one has ended; one that waits for a dead one on a GPU never does."""


def train_on_ranks(job: Job, tell: Tell) -> Trained:
    """Trains with `job.config.processes` processes and returns the model, on the CPU, and the report.

    Raises ConfigError where there are fewer GPUs, what a rank raised, and TrainingError where one was killed.
    """
    count = job.config.processes
    _check_devices(job.device, count)
    with preemption() as preempted, tempfile.TemporaryDirectory(prefix="tuneloom-ranks-") as place:
        ears, mouths = zip(*(Pipe(duplex=False) for _ in range(count)), strict=True)
        given = (replace(job, shards=replace(job.shards, check=_checked_before)), f"{place}/meeting", mouths)
        context = start_processes(_rank, given, count, join=False)
        for mouth in mouths:
            mouth.close()
        told = _Told(ears, tell)
        try:
            _follow(context, told, preempted.is_set)
        finally:
            for process in context.processes:
                process.kill()
                process.join()
        if told.report is None and preempted.is_set():
            raise TrainingError(
                f"stopped by SIGTERM after step {told.steps} of {len(job.plan)}",
                where="train",
                remedy="Run again: training goes on from its checkpoint.",
            )
    if told.report is None:
        raise TrainingError("the ranks ended without a result", where="train", remedy="Run again.")
    last = newest(job.resume, job.device, lambda line: None)
    if last is None or last.step != len(told.report.steps):
        raise TrainingError("the last checkpoint is not whole", where=str(job.resume), remedy="Run again.")
    plain = job.config.model_copy(update={"four_bit": False})  # no CPU holds 4 bits, and an adapter asks for none
    trainee = trainee_of(replace(job, config=plain), "cpu")
    begun = factors(trainee, job.config)
    best = {name.removeprefix(BEST): tensor for name, tensor in last.tensors.items() if name.startswith(BEST)}
    set_weights(trainee, {f"weight.{name}": tensor for name, tensor in best.items()} or last.tensors)
    return Trained(trainee.eval(), told.report, begun)


class _Told:
    """What the ranks have told so far."""

    def __init__(self, ears: Sequence[Connection], tell: Tell) -> None:
        self.steps = 0
        self.report: TrainReport | None = None
        self.error: TuneloomError | None = None
        self._ears, self._tell = list(ears), tell

    def listen(self) -> None:
        """Takes what has come, and hands it on."""
        for ear in [*self._ears]:
            try:
                while ear.poll():
                    self._take(ear.recv())
            except (EOFError, OSError):
                self._ears.remove(ear)

    def _take(self, message: Any) -> None:
        match message:
            case StepReport():
                self.steps = message.step
                self._tell.step(message)
            case ValidationReport():
                self._tell.look(message)
            case Path():
                self._tell.saved(message)
            case TrainReport():
                self.report = message
            case TuneloomError():
                self.error = self.error or message
            case _:
                self._tell.say(message)


def _follow(context: ProcessContext, told: _Told, preempted: Callable[[], bool]) -> None:
    """Until all ranks have ended. Raises what stopped them, unless they were asked to."""
    asked = False
    try:
        while not context.join(timeout=LISTEN_SECONDS, grace_period=GRACE_SECONDS):
            told.listen()
            if preempted() and not asked:
                asked = True
                for process in context.processes:
                    process.terminate()
    except (ProcessExitedException, ProcessRaisedException) as error:
        told.listen()
        if told.error:
            raise told.error from None
        if not asked:
            raise _reason(error, context) from None
    told.listen()


def _reason(error: Exception, context: ProcessContext) -> TrainingError:
    """Why the training ended, in one sentence. The first that was killed is to blame, not who then waited for it."""
    codes = [process.exitcode or 0 for process in context.processes]
    count = len(codes)
    for rank, code in enumerate(codes):
        if code < 0 and -code not in (signal.SIGTERM, signal.SIGINT):
            return TrainingError(
                f"rank {rank} of {count} was ended by {signal.Signals(-code).name}",
                where="train",
                remedy="As a rule memory ran out: free some and run again, and training goes on from its checkpoint; "
                "or lower train.micro_batch_tokens or train.processes, which begins another training.",
            )
    last = str(error).strip().splitlines()[-1]
    rank = getattr(error, "error_index", 0)
    print(error, file=sys.stderr)  # the traceback, for the log
    return TrainingError(f"rank {rank} of {count} failed: {last}", where="train", remedy="See the log for the place.")


def _rank(rank: int, job: Job, meeting: str, mouths: Sequence[Connection]) -> None:
    """What a started process does."""
    end_with_parent()
    own = mouths[rank]
    for other in mouths:
        if other is not own:
            other.close()
    if sys.platform == "linux":  # the loopback interface: all are here, and nobody else may listen
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        os.environ.setdefault("NCCL_SOCKET_IFNAME", "lo")
    if job.device == "cuda":
        torch.cuda.set_device(rank)
    try:
        group = Group(rank, job.config.processes, job.config.parallel, meeting, job.device)
        mouth = own.send if rank == 0 else _silent
        resumed = newest(job.resume, job.device, _silent)
        trained = train_here(job, Tell(mouth, mouth, mouth, mouth), resumed, group, _place(job))
        group.leave()
        mouth(trained.report)
    except TuneloomError as error:
        own.send(error)
        sys.exit(1)


def _place(job: Job) -> str:
    """Where a rank loads the model: FSDP moves what it keeps of it to the GPU itself."""
    return "cpu" if job.config.parallel == "fsdp" else job.device


def _silent(what: object) -> None:
    """The first rank alone tells."""


def _checked_before(artifact: Artifact) -> None:
    """The process that started the ranks has compared the digests."""


def share_of(machine: Machine, ranks: int) -> Machine:
    """What each of `ranks` processes has of a machine's threads."""
    return replace(machine, threads=max(1, machine.threads // ranks))


def rate_of(machine: Machine, dtype: str, ranks: int) -> float:
    """GFLOP/s of `ranks` processes together: a CPU's cores were probed as one, a GPU alone."""
    return machine.rate(dtype) * (ranks if machine.device == "cuda" else 1)


def free_share(device: str, ranks: int) -> int | None:
    """Free memory for each of `ranks` processes, in bytes: they share the main memory, and have a GPU each."""
    free = free_bytes(device)
    return free if free is None or device == "cuda" else free // ranks


def _check_devices(device: str, ranks: int) -> None:
    if device == "cuda" and torch.cuda.device_count() < ranks:
        raise ConfigError(
            f"train.processes is {ranks}, and this machine has {torch.cuda.device_count()} GPUs",
            where="config key `train.processes`",
            remedy="One rank a GPU: lower it.",
        )
    if device == "mps":
        raise ConfigError(
            "several ranks do not train on mps", where="config key `train.processes`", remedy="Set it to 1."
        )
