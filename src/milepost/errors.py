"""Every error a person can meet, as one line: what, where, what to do.

MilepostError                 exit 4: a bug of ours when raised bare
├── InputError                exit 2: bad input or settings, nothing written
│   ├── SettingsError             milepost.toml
│   ├── ContractError             a table: file, column, rows
│   ├── CatalogueError            features.csv
│   ├── FrameworkError            framework.toml
│   ├── PlanError                 the plan of an experiment, or what was done against it
│   ├── BundleError               a model bundle that is damaged or does not fit
│   └── NotEnoughData             too few rows or churned accounts; carries the counts
├── EnvironmentFault          exit 3: disk, lock, network, permission
│   └── LockHeld                  another run writes to the same target
└── GateFailed                exit 1: done, and a quality gate says no
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MAX_LINE = 300


class MilepostError(Exception):
    """An error with its parts apart, so that the line on screen always has the same order.

    `what` says what is wrong, `where` the file, table or row, `expected` what would have been right,
    `fix` what to do. No values of personal data belong in any of them.
    """

    exit_code = 4
    code = "BUG"

    def __init__(self, what: str, *, where: str = "", expected: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.expected, self.fix = what, where, expected, fix

    @property
    def line(self) -> str:
        """The one line for stderr, under 300 characters."""
        head = f"error[{self.code}] {self.where}: {self.what}" if self.where else f"error[{self.code}] {self.what}"
        tail = "".join(f"; {part}" for part in (self._expected(), self.fix) if part)
        text = " ".join((head + tail).split())
        return text if len(text) < MAX_LINE else text[: MAX_LINE - 2] + "…"

    def _expected(self) -> str:
        return f"expected {self.expected}" if self.expected else ""

    def __str__(self) -> str:
        return self.line


class InputError(MilepostError):
    """Bad input or settings; nothing has been written."""

    exit_code = 2
    code = "INPUT"


class SettingsError(InputError):
    """milepost.toml says something that cannot be."""

    code = "SETTINGS"


class ContractError(InputError):
    """A table does not keep the contract."""

    code = "TABLE"


class CatalogueError(InputError):
    """The feature catalogue says something that cannot be."""

    code = "CATALOGUE"


class FrameworkError(InputError):
    """The framework file says something that cannot be."""

    code = "FRAMEWORK"


class PlanError(InputError):
    """The plan of an experiment says something that cannot be, or something is asked for against it."""

    code = "PLAN"


class BundleError(InputError):
    """A model bundle is damaged, or does not fit the signals at hand."""

    code = "BUNDLE"


class NotEnoughData(InputError):
    """Too little data to say anything; `what` carries the counts."""

    code = "TOO_LITTLE"


class EnvironmentFault(MilepostError):
    """The machine said no: disk, lock, network, permission."""

    exit_code = 3
    code = "ENVIRONMENT"


class LockHeld(EnvironmentFault):
    """Another run writes to the same target."""

    code = "LOCKED"


class GateFailed(MilepostError):
    """The work is done and a quality gate says no."""

    exit_code = 1
    code = "GATE"


def nearest(wrong: str, right: Iterable[str]) -> str:
    """A "did you mean" with the nearest right words, or the list of them when none is near.

    >>> nearest("exprt", ["export", "import", "login"])
    "did you mean 'export'?"
    """
    choices = list(right)
    close = get_close_matches(wrong, choices, n=2, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f"'{word}'" for word in close) + "?"
    shown = ", ".join(f"'{word}'" for word in choices[:8])
    return f"one of {shown}" + (" …" if len(choices) > 8 else "")
