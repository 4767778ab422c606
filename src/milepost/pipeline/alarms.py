"""The leak alarm: looked for before anything is ranked or trained, remembered beside the results, accepted by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from milepost.data.publish import current, publish
from milepost.errors import InputError, SettingsError, nearest
from milepost.pipeline.result import Result
from milepost.settings import Settings
from milepost.signals.catalogue import Feature
from milepost.signals.declare import declare_signals, everything
from milepost.signals.spec import Signal
from milepost.terms import ACCOUNT, Measure
from milepost.training.account_leaks import ORDERS, find_leaks
from milepost.training.leaks import Leak

if TYPE_CHECKING:
    from milepost.pipeline.job import Job

# count up when another rule is looked by: what was found by an older one is then not taken up
RULES_VERSION = 1


@dataclass(frozen=True)
class Alarms:
    """Leaks that stand, leaks that the settings accept, and what a reader of the ranking has to know about either."""

    standing: tuple[Leak, ...]
    accepted: tuple[Leak, ...]
    notes: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Name and figure of each leak that stands."""
        return tuple(leak.text for leak in self.standing)


def judged(leaks: Sequence[Leak], settings: Settings) -> Alarms:
    """The leaks apart by what `ranking.accept_leaks` names, with the notes."""
    names = settings.ranking.accept_leaks
    accepted = tuple(leak for leak in leaks if leak.is_named(names))
    notes = [f"Leak alarm accepted by name: {leak.text}." for leak in accepted]
    segment = settings.data.segment
    if segment and segment not in settings.tables.accounts.immutable:
        notes.append(
            f"The segment '{segment}' is not declared immutable: if it is overwritten when accounts change or leave, "
            "effects are adjusted for what came later."
        )
    return Alarms(tuple(leak for leak in leaks if leak not in accepted), accepted, tuple(notes))


def look(job: Job) -> tuple[Leak, ...]:
    """Leaks in the rows that are learnt from; taken from an earlier command where nothing has changed since."""
    found = _remembered(job)
    if found is not None:
        return found
    job.progress("leak alarm: looking for what knows too much")
    accounts = job.tables.connection.to_pyarrow(job.tables.accounts.select(ACCOUNT, "created_at")).to_pandas()
    accounts["running"] = accounts[ACCOUNT].isin(job.current.context[ACCOUNT])
    learnable = job.learnable
    return find_leaks(job.observations.take(learnable), job.outcomes.take(learnable), accounts, job.settings)


def remember(job: Job) -> None:
    """Publish what was found, with what it depends on, for the commands that follow."""
    if _remembered(job) is not None:
        return
    leaks = (*job.alarms.standing, *job.alarms.accepted)
    saved = json.dumps({"key": _key(job), "leaks": [asdict(leak) for leak in leaks]}, indent=1)
    publish(_folder(job), job.version, lambda target: (target / "alarms.json").write_text(saved, encoding="utf-8"))


def remembered(job: Job) -> Alarms:
    """What an earlier command found in these data, without looking again; nothing where none has looked."""
    return judged(_remembered(job) or (), job.settings)


def _remembered(job: Job) -> tuple[Leak, ...] | None:
    try:
        saved = json.loads((current(_folder(job)) / "alarms.json").read_text(encoding="utf-8"))
    except (InputError, OSError, ValueError):
        return None
    return tuple(Leak(**leak) for leak in saved["leaks"]) if saved["key"] == _key(job) else None


def _folder(job: Job) -> Path:
    return job.settings.output / "alarms"


def _key(job: Job) -> str:
    return f"{job.fingerprint}/{RULES_VERSION}/{job.settings.training.folds}/{job.settings.project.seed}"


def check_accepted(features: Sequence[Feature], own: Sequence[Signal], settings: Settings) -> None:
    """Raise SettingsError for a name in `ranking.accept_leaks` that nothing can have."""
    features_only = frozenset(feature.name for feature in features)
    signals = (*declare_signals(features, tuple(Measure), settings.windows.windows(), everything(features)), *own)
    attributes = {*settings.tables.accounts.immutable, *filter(None, [settings.data.segment]), "plan"}
    columns = {*attributes, *(f"account.{name}" for name in attributes)}
    known = {*features_only, *(signal.name for signal in signals), *columns, *ORDERS}
    for name in settings.ranking.accept_leaks:
        # which values an attribute has is only known once the accounts are read
        if name not in known and name.partition("=")[0] not in columns:
            raise SettingsError(
                f"ranking.accept_leaks: '{name}' is no signal, feature or attribute", where="milepost.toml",
                fix=nearest(name, sorted(known)),
            )  # fmt: skip


# -- saying it


def alarm_line(alarms: Sequence[str]) -> str:
    """Why a leak alarm stops everything that would rest on the model."""
    if not alarms:
        return ""
    more = f" and {len(alarms) - 3} more" if len(alarms) > 3 else ""
    advice = "check where it comes from, or accept it by name in ranking.accept_leaks"
    return f"leak alarm: {', '.join(alarms[:3])}{more} foretells churn almost perfectly on its own; {advice}"


def headed(result: Result, alarms: Sequence[str]) -> Result:
    """The answer with the alarm above it, in the JSON and at the gate; the same answer where there is none."""
    answer = {**result.json, "alarms": list(alarms)}
    if not alarms:
        return Result(answer, result.text, result.gate)
    lines = "\n".join(f"ALARM: {alarm}" for alarm in alarms)
    return Result(answer, f"{lines}\n\n{result.text}", alarm_line(alarms))
