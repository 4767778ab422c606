"""An experiment on disk: experiments/<name>/ with its plan, its lock, who got which arm, and the looks taken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from milepost.data.publish import spreadsheet_safe, write_atomic
from milepost.errors import PlanError, nearest
from milepost.experiments.assign import LOG
from milepost.experiments.plan import Plan, fingerprint, read

PLAN, LOCK, ARMS, LOOKS = "plan.toml", "plan.lock.json", "assignments.parquet", "looks.json"


@dataclass(frozen=True)
class Taken:
    """A look that was taken: its number, its day, and the share of the planned information."""

    number: int
    as_of: date
    share: float


@dataclass
class Folder:
    """One experiment's files; `root` holds one folder per experiment."""

    root: Path
    name: str

    @property
    def path(self) -> Path:
        return self.root / self.name

    @property
    def where(self) -> str:
        """How messages call the plan."""
        return f"{self.name}/{PLAN}"

    @cached_property
    def text(self) -> str:
        """The plan's text. Raises PlanError, with the nearest names, when there is none."""
        try:
            return (self.path / PLAN).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            known = sorted(path.parent.name for path in self.root.glob(f"*/{PLAN}"))
            fix = nearest(self.name, known) if known else "run 'milepost experiment new NAME'"
            raise PlanError(f"no experiment '{self.name}'", where=self.root.name, fix=fix) from None
        except UnicodeDecodeError:
            raise PlanError("not UTF-8 text", where=self.where) from None

    @cached_property
    def plan(self) -> Plan:
        return read(self.text, self.where)

    @property
    def lock(self) -> dict[str, str] | None:
        """What was locked: sha256, locked_at, git_commit; None before. Raises PlanError when it is damaged."""
        try:
            found = json.loads((self.path / LOCK).read_text(encoding="utf-8"))
            return {key: str(found[key]) for key in ("sha256", "locked_at", "git_commit")}
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise PlanError(f"{LOCK} is damaged", where=self.name, fix="restore it from version control") from None

    def locked(self) -> Plan:
        """The plan as it was locked. Raises PlanError when it is not locked, or was edited since."""
        lock = self.lock
        if lock is None:
            raise PlanError("the plan is not locked", where=self.where,
                            fix=f"run 'milepost experiment lock {self.name}'")  # fmt: skip
        if lock["sha256"] != fingerprint(self.text):
            raise PlanError(
                f"the plan was edited after it was locked at {lock['locked_at']}", where=self.where,
                fix="restore it, or begin a new experiment with the new plan",
            )  # fmt: skip
        return self.plan

    def write_lock(self, now: datetime, commit: str) -> None:
        """Lock the plan as it stands. Raises PlanError when it is locked already."""
        if self.lock is not None:
            raise PlanError("the plan is locked already", where=self.where, fix="a new plan is a new experiment")
        content = {"sha256": fingerprint(self.text), "locked_at": f"{now:%Y-%m-%dT%H:%M:%SZ}", "git_commit": commit}
        _write_json(self.path / LOCK, content)

    @property
    def arms(self) -> pd.DataFrame:
        """The log of assignments, columns LOG; empty before. Raises PlanError when a column is missing."""
        try:
            log = pd.read_parquet(self.path / ARMS)
        except FileNotFoundError:
            return pd.DataFrame(columns=LOG)
        except (OSError, ValueError):
            raise PlanError(f"{ARMS} cannot be read", where=self.name, fix="restore it from a copy") from None
        if missing := [name for name in LOG if name not in log]:
            raise PlanError(f"{ARMS} has no column '{missing[0]}'", where=self.name, expected=", ".join(LOG))
        return log.astype({"account_id": "str"})

    def write_arms(self, log: pd.DataFrame) -> None:
        """Write the log, and beside it a CSV to hand on."""
        write_atomic(self.path / ARMS, lambda path: log.to_parquet(path, index=False))
        text = spreadsheet_safe(log).to_csv(index=False)
        write_atomic(self.path / "assignments.csv", lambda path: path.write_text(text, encoding="utf-8"))

    @property
    def looks(self) -> list[Taken]:
        """The looks taken, in order."""
        try:
            found = json.loads((self.path / LOOKS).read_text(encoding="utf-8"))
            return [Taken(int(o["number"]), date.fromisoformat(o["as_of"]), float(o["share"])) for o in found]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError):
            raise PlanError(f"{LOOKS} is damaged", where=self.name, fix="restore it from version control") from None

    def write_looks(self, looks: Sequence[Taken]) -> None:
        _write_json(self.path / LOOKS, [{"number": o.number, "as_of": str(o.as_of), "share": o.share} for o in looks])


def _write_json(path: Path, content: Any) -> None:
    text = json.dumps(content, indent=1) + "\n"
    write_atomic(path, lambda target: target.write_text(text, encoding="utf-8"))
