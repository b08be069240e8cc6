"""Every error a user can meet: what happened, where, and what to do about it.

TuneloomError            exit 1  anything else
├── ConfigError          exit 2  the config or the call is wrong
│   ├── UnknownModel             no such model here
│   ├── MissingFile              a path that is not there
│   └── NotPermitted             a path that may not be read or written
├── BudgetExceeded       exit 1  a stage took more rows than the config allows
├── NoUsableData         exit 3  nothing is left to work on
├── WaitingForPerson     exit 4  a person must decide first
├── BrokenArtifact       exit 1  a stored artifact is damaged, missing, or breaks conservation
│   ├── TakenDown                its rows were taken down on request: gone, and nothing is wrong
│   └── OtherVersion             another version of Tuneloom wrote it
├── DiskFull             exit 1  the disk is full, or too small for what is to be done
├── LockTimeout          exit 1  another process holds what this one needs
└── TrainingError        exit 1  the fine-tuning itself failed
"""


class TuneloomError(Exception):
    """One paragraph for a person: `what` happened, `where` (file, row, field), the `remedy`."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.remedy = what, where, remedy

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        cure = f" {self.remedy}" if self.remedy else ""
        return f"{self.what}{place}.{cure}"

    def __reduce__(self) -> tuple:
        return _rebuild, (type(self), self.what, self.where, self.remedy)

    def as_dict(self) -> dict[str, str]:
        """`{"what", "where", "remedy"}`, as `--json` prints it."""
        return {"what": self.what, "where": self.where, "remedy": self.remedy}


class ConfigError(TuneloomError):
    """The config or the call is wrong."""

    exit_code = 2


class UnknownModel(ConfigError):
    """No model of that name or path can be had here."""


class MissingFile(ConfigError):
    """A path that the config or the call names is not there."""


class NotPermitted(ConfigError):
    """A path may not be read or written by this user."""


class BudgetExceeded(TuneloomError):
    """A stage took more rows than a budget of the config allows; its artifact is kept, to be looked at."""


class NoUsableData(TuneloomError):
    """Nothing is left for a stage to work on."""

    exit_code = 3


class WaitingForPerson(TuneloomError):
    """The run cannot go on before a person has decided."""

    exit_code = 4


class BrokenArtifact(TuneloomError):
    """A stored artifact is damaged or missing, or a stage lost or invented rows."""


class TakenDown(BrokenArtifact):
    """The artifact was taken down: its files are gone on purpose, a tombstone says why."""


class OtherVersion(BrokenArtifact):
    """Another version of Tuneloom wrote the artifact; it is left alone."""


class DiskFull(TuneloomError):
    """The disk is full, or has less room than a run needs."""


class LockTimeout(TuneloomError):
    """Another process holds a lock for longer than the deadline."""


class TrainingError(TuneloomError):
    """The fine-tuning failed: a loss that is not a number, a parameter without gradient."""


def _rebuild(kind: type[TuneloomError], what: str, where: str, remedy: str) -> TuneloomError:
    return kind(what, where=where, remedy=remedy)
