"""One job: settings, a date, and everything that follows from them, each part computed once and only when asked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np

from milepost.data.checks import names_at_any_date
from milepost.data.contract import Tables, to_frame
from milepost.data.digest import added, digests
from milepost.data.growth import only_grew
from milepost.data.sources import open_tables
from milepost.errors import InputError, SettingsError, nearest
from milepost.milestones.lives import Lives, read_lives
from milepost.outcomes import Outcomes, Times, find_outcomes, find_times
from milepost.pipeline import matrix_store
from milepost.pipeline.alarms import Alarms, check_accepted, judged, look
from milepost.settings import Settings, load
from milepost.signals.build import build, source_hash, way_hash
from milepost.signals.catalogue import Feature, check_events, read_catalogue
from milepost.signals.matrix import Observations
from milepost.signals.own import check_own, read_own
from milepost.signals.resume import Built
from milepost.signals.spec import Signal
from milepost.windows import Windows, midnight, snapshot_dates

Progress = Callable[[str], None]


def silent(text: str) -> None:
    """A progress that says nothing."""


@dataclass
class Job:
    """The state of one invocation. `now` is the wall clock at its start, for names of runs; nothing else reads a clock.

    `as_of` is the date the accounts are scored at; nothing at or after it is visible.
    """

    settings: Settings
    now: datetime
    asked: date | None = None
    progress: Progress = silent

    @cached_property
    def windows(self) -> Windows:
        return self.settings.windows.windows()

    @property
    def windows_in_use(self) -> dict[str, str | int]:
        """The lengths a model depends on: a bundle keeps them, scoring compares them."""
        return {**self.settings.windows.model_dump(), "min_tenure_days": self.settings.signals.min_tenure_days}

    @cached_property
    def tables(self) -> Tables:
        """The tables, opened and checked; catalogue and own signals are read first: a slip in them costs no time."""
        _ = self.own
        as_of = midnight(self.asked) if self.asked else None
        return open_tables(self.settings, as_of, self.progress)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        return read_catalogue(self.settings.path(self.settings.project.features))

    @cached_property
    def own(self) -> tuple[Signal, ...]:
        """The signals that signals.toml declares, none where there is no such file."""
        own = read_own(self.settings, self.features)
        check_accepted(self.features, own, self.settings)
        return own

    @cached_property
    def as_of(self) -> date:
        """The date asked for, or the last midnight up to which the data are complete."""
        return self.asked or self.tables.complete_until.date()

    @cached_property
    def snapshots(self) -> tuple[date, ...]:
        """Every snapshot date up to the scored one, which is the last.

        Raises InputError when no observation window is complete, or the date lies beyond the data.
        """
        begin, latest = self.tables.data_begin, self.last_date
        if self.as_of > latest:
            raise InputError(
                f"--as-of {self.as_of} lies after the last data", where="events", expected=f"at most {latest}"
            )
        if midnight(self.as_of) <= begin:
            raise InputError(
                f"no events before the snapshot {self.as_of}", where="events", fix="choose a later --as-of"
            )
        dates = snapshot_dates(begin, midnight(self.as_of), self.windows)
        return dates if dates and dates[-1] == self.as_of else (*dates, self.as_of)

    @property
    def last_date(self) -> date:
        """The midnight after the last day of data: the latest date that can be scored."""
        until = self.tables.complete_until
        # the end of a whole day is the next midnight already; a last event at midnight belongs to the day it begins
        ends_a_day = self.settings.data.complete_until is not None or self.settings.tables.events.daily
        return until.date() if ends_a_day and until == midnight(until.date()) else until.date() + timedelta(days=1)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that the signals depend on."""
        return source_hash(self.tables, self.features, self.settings, self.snapshots, self.own)

    @cached_property
    def run_id(self) -> str:
        """Date and fingerprint: the same input gives the same id."""
        return f"{self.as_of}-{self.fingerprint[:8]}"

    @cached_property
    def version(self) -> str:
        """Folder name of what this invocation publishes."""
        return f"{self.run_id}-{self.now:%Y%m%dT%H%M%S%f}"

    @cached_property
    def observations(self) -> Observations:
        """All rows of all snapshots; taken from the last build when nothing it depends on has changed."""
        found = self._stored()
        if found is not None:
            self.progress("signals: nothing changed, taken from the last build")
            return found
        self.check_names()
        way = way_hash(self.features, self.settings, self.own)
        earlier, basis = self._earlier(way)
        with tempfile.TemporaryDirectory(prefix=".signals-", dir=self._scratch()) as scratch:
            built = build(
                self.tables, self.features, self.settings, self.snapshots,
                earlier=earlier, scratch=Path(scratch), progress=self.progress, own=self.own,
            )  # fmt: skip
            matrix_store.save_observations(self._signals, self.version, built, self.fingerprint, basis)
        return built.observations

    @property
    def _signals(self) -> Path:
        return self.settings.output / "signals"

    def _scratch(self) -> Path:
        self.settings.output.mkdir(parents=True, exist_ok=True)
        return self.settings.output

    def _stored(self) -> Observations | None:
        limit = self.settings.project.memory_bytes
        return matrix_store.load_observations(self._signals, self.fingerprint, self.features, self.windows, limit)

    def _earlier(self, way: str) -> tuple[Built | None, matrix_store.Basis]:
        """The last build where its events are still the same, and what the one of the scored date rests on."""
        limit, tables = self.settings.project.memory_bytes, self.tables
        basis = matrix_store.Basis(way, "", dict(tables.event_files), tables.unknown_accounts)
        found = matrix_store.load_earlier(self._signals, way, self.features, self.windows, limit)
        if found is None:
            return None, replace(basis, events=digests(tables.events, [self.as_of])[0])
        earlier, then = found
        before = earlier.known.before
        grew = only_grew(tables, self.settings, then.files, then.unknown, before)
        if not grew and digests(tables.events, [before])[0] != then.events:
            self.progress(f"signals: events before {before} changed or came late, computed anew")
            return None, replace(basis, events=digests(tables.events, [self.as_of])[0])
        if self.as_of < before:
            return earlier, replace(basis, events=digests(tables.events, [self.as_of])[0])
        return earlier, replace(basis, events=added(then.events, tables.events, before, self.as_of))

    @property
    def has_observations(self) -> bool:
        """Whether the matrix is in memory or on disk, so that asking for it is cheap."""
        if "observations" in self.__dict__:
            return True
        return matrix_store.has_observations(self.settings.output / "signals", self.fingerprint)

    @cached_property
    def event_names(self) -> list[str]:
        """Event names that occur."""
        if self.tables.used_names is not None:
            return sorted(self.tables.used_names)
        names: list[str] = to_frame(self.tables.events.select("event_name").distinct())["event_name"].tolist()
        return names

    @property
    def wanted_names(self) -> set[str]:
        """Event names that the catalogue and the settings ask for."""
        named = {name for feature in self.features for name in (*feature.event_names, *feature.area_metric)}
        named |= {signal.event for signal in self.own if signal.event}
        return named | set(self.settings.data.value_events) | set(self.settings.milestones.value_metric.events)

    def check_names(self, own: tuple[Signal, ...] | None = None) -> None:
        """Raise CatalogueError or SettingsError for an event asked for that never occurs, or data that are not there.

        One that occurs from the scored date on only is known: it had not been used by then. `own` are own signals to
        check instead of those of signals.toml.
        """
        where = self.settings.project.signals if own is None else "the model's"
        known, own = self.event_names, self.own if own is None else own
        wanted = self.wanted_names | {signal.event for signal in own if signal.event}
        if not wanted <= set(known):
            known = names_at_any_date(self.tables)
        check_own(own, known, self.tables, where)
        check_events(self.features, known, self.settings.project.features)
        asked = {
            "data.value_events": self.settings.data.value_events,
            "milestones.value_metric.events": self.settings.milestones.value_metric.events,
        }
        for where, names in asked.items():
            for name in names:
                if name not in known:
                    raise SettingsError(f"no event '{name}' in events", where=where, fix=nearest(name, sorted(known)))

    @cached_property
    def outcomes(self) -> Outcomes:
        """Outcomes of every row of the observations."""
        return find_outcomes(self.tables, self.observations.matrix.rows, self.settings.data, self.windows)

    @cached_property
    def times(self) -> Times | None:
        """When the account of every row of the observations left; None without subscription history."""
        return find_times(self.tables, self.observations.matrix.rows, self.windows)

    @cached_property
    def lives(self) -> Lives:
        """What accounts did day by day, as known at the scored date."""
        return read_lives(self.tables, self.features, self.settings, self.as_of)

    @cached_property
    def learnable(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """bool [rows]: old enough for the model and the outcome known."""
        old = self.observations.context["tenure_days"].to_numpy() >= self.settings.signals.min_tenure_days
        return np.asarray(old & self.outcomes.known)

    @cached_property
    def alarms(self) -> Alarms:
        """What knows too much about churn in the rows that are learnt from, looked for once."""
        return judged(look(self), self.settings)

    @cached_property
    def current(self) -> Observations:
        """The rows of the scored date only."""
        rows = self.observations.matrix.rows["snapshot_date"].to_numpy()
        return self.observations.take(rows == np.datetime64(self.as_of))


def open_job(
    config: Path,
    now: datetime,
    as_of: date | None = None,
    progress: Progress = silent,
    memory_limit: str | None = None,
) -> Job:
    """Read the settings and stand ready; nothing is opened yet, but where to write is known to be allowed.

    `memory_limit` stands in for that of the settings.
    """
    settings = load(config)
    if memory_limit is not None:
        settings = settings.within(memory_limit)
    settings.check_outputs()
    return Job(settings, now, as_of, progress)
