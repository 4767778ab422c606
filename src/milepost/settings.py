"""milepost.toml as a checked, frozen object: `load(path)` either returns complete Settings or raises one line."""

from __future__ import annotations

import os
import re
import tomllib
from datetime import date, datetime
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from milepost.errors import SettingsError, nearest
from milepost.terms import Measure, Route
from milepost.windows import Windows

Days = Annotated[StrictInt, Field(ge=1, le=3660)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = get_args(Weekday)
# columns that come from elsewhere: an attribute of accounts cannot be called so
_TAKEN = {"account_id", "created_at", "snapshot_date", "plan", "seats", "mrr", "term_ends_at", "term_months", "items"}
MEMORY = r"^(\d+(\.\d+)? ?[KMGT]i?B)?$"
TABLE_NAMES = ("accounts", "subscriptions", "events", "conversations", "surveys", "access")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Project(_Part):
    """Names and folders; every path is relative to the folder of milepost.toml.

    What is written stays inside that folder, or inside one of `roots` (folders named on purpose).
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$")] = "milepost"
    output: str = "out"
    models: str = "models"
    mlruns: str = "mlruns"
    features: str = "features.csv"
    signals: str = "signals.toml"  # own signals; there need not be any
    framework: str = "framework.toml"
    experiments: str = "experiments"
    roots: tuple[str, ...] = ()
    seed: Annotated[StrictInt, Field(ge=0)] = 7
    threads: Annotated[StrictInt, Field(ge=1, le=256)] = 2
    # such as "2GB"; empty: a third of the machine
    memory_limit: Annotated[str, Field(pattern=MEMORY)] = ""

    # where the events are aggregated; a cluster by its master URL, such as "spark://host:7077"
    engine: Literal["duckdb", "spark"] = "duckdb"
    spark_master: Annotated[str, Field(min_length=1)] = "local[2]"

    @property
    def memory_bytes(self) -> int:
        """What the database and the work on its answers may take together."""
        if not self.memory_limit:
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 3
        number, unit = re.split(r" ?(?=[KMGT])", self.memory_limit, maxsplit=1)
        power = "KMGT".index(unit[0]) + 1
        return int(float(number) * (1024 if "i" in unit else 1000) ** power)


class WindowSettings(_Part):
    """`[windows]`; see milepost.windows."""

    observation_days: Days = 84
    gap_days: Annotated[StrictInt, Field(ge=0, le=3660)] = 14
    outcome_days: Days = 56
    grace_days: Annotated[StrictInt, Field(ge=0, le=3660)] = 14
    step: Literal["month"] | Days = "month"

    @field_validator("step", mode="before")
    @classmethod
    def _month_or_days(cls, step: object) -> object:
        if step != "month" and (type(step) is not int or not 1 <= step <= 3660):
            raise ValueError("input should be 'month' or a number of days")
        return step

    def windows(self) -> Windows:
        return Windows(self.observation_days, self.gap_days, self.outcome_days, self.grace_days, self.step)


class Table(_Part):
    """Where one table of the contract lives and how its columns are called there.

    `path` is a Parquet or CSV file (plain or gzipped), a folder of Parquet files or a DuckDB file; `url` a database
    that Ibis reads; `table` the name inside either. `columns` maps our name to theirs; names that are equal need
    no entry. `constants` fills a column of ours with one value.
    """

    path: str = ""
    url: str = ""
    table: str = ""
    format: Literal["", "csv", "parquet", "duckdb"] = ""
    delimiter: str = ","
    quote: str = '"'
    encoding: Literal["utf-8"] = "utf-8"
    columns: dict[str, str] = {}
    constants: dict[str, str] = {}
    time_format: str = ""  # strptime, such as "%d/%m/%Y"; empty: ISO 8601
    time_unit: Literal["", "s", "ms", "us"] = ""  # for times written as epoch numbers
    time_zone: str = "UTC"
    in_place: bool = False  # events only: with a url, aggregated in that database instead of copied
    daily: bool = False  # events only: rows are counts per account, event and day
    immutable: tuple[str, ...] = ()  # accounts only: attributes that never change and may become signals
    # age of the newest row at which 'check' warns, and at which it exits with 1; not in the repr, from which what is
    # computed from a table is told to be out of date
    warn_after_hours: float | None = Field(default=None, gt=0, repr=False)
    error_after_hours: float | None = Field(default=None, gt=0, repr=False)
    base_items: tuple[str, ...] = ()  # subscriptions only: items (wildcards allowed) that are the base product
    ignore_items: tuple[str, ...] = ()  # subscriptions only: items that are no subscription at all

    @field_validator("immutable")
    @classmethod
    def _own_names(cls, immutable: tuple[str, ...]) -> tuple[str, ...]:
        for name in immutable:
            if name in _TAKEN:
                raise ValueError(f"'{name}' is taken: give the attribute another name in columns")
        return immutable

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.url):
            raise ValueError("give either path or url")
        return self

    @model_validator(mode="after")
    def _in_place(self) -> Self:
        if self.in_place and not self.url:
            raise ValueError("in_place goes with url")
        return self

    @model_validator(mode="after")
    def _warns_first(self) -> Self:
        warn, error = self.warn_after_hours, self.error_after_hours
        if warn is not None and error is not None and warn > error:
            raise ValueError("warn_after_hours must not be above error_after_hours")
        return self


class Tables(_Part):
    """`[tables.*]`: the contract's tables; accounts and events are required."""

    accounts: Table
    events: Table
    subscriptions: Table | None = None
    conversations: Table | None = None
    surveys: Table | None = None
    access: Table | None = None

    def given(self) -> dict[str, Table]:
        """Table name -> settings, for the tables that are there."""
        return {name: table for name in TABLE_NAMES if (table := getattr(self, name)) is not None}

    @model_validator(mode="after")
    def _only_events_stay(self) -> Self:
        for name, table in self.given().items():
            if table.in_place and name != "events":
                raise ValueError(f"in_place is for events, not for {name}: it is small, and is copied")
        return self


class Data(_Part):
    """`[data]`: what holds for all tables."""

    complete_until: datetime | date | None = None
    exclude_accounts: tuple[str, ...] = ()  # account ids, wildcards allowed: internal, test and bot accounts
    value_events: tuple[str, ...] = ()  # event names of the product doing its job
    segment: str = ""  # a column of accounts that groups them beside plan and size
    size_bands: tuple[Annotated[StrictInt, Field(ge=1)], ...] = (5, 20, 100)  # seats: 1-5, 6-20, 21-100, over 100
    max_quarantined_share: Share = 0.01

    @field_validator("segment")
    @classmethod
    def _own_name(cls, segment: str) -> str:
        if segment in _TAKEN:
            raise ValueError("this name is taken: accounts are grouped by plan and size anyway")
        return segment

    @field_validator("size_bands")
    @classmethod
    def _rising(cls, upper: tuple[int, ...]) -> tuple[int, ...]:
        if not upper:
            raise ValueError("at least one upper end is needed")
        if any(low >= high for low, high in pairwise(upper)):
            raise ValueError("upper ends must rise")
        return upper

    def excluded(self, account_id: str) -> bool:
        return any(fnmatchcase(account_id, pattern) for pattern in self.exclude_accounts)


class ContractSettings(_Part):
    """`[contract]`: what 'check' expects of the tables each day; shares between 0 and 1.

    A day's rows are compared with the same weekday of the `weeks` before; each of the last `recent_days` is judged.
    """

    weeks: Annotated[StrictInt, Field(ge=4, le=52)] = 8
    recent_days: Annotated[StrictInt, Field(ge=1, le=7)] = 7
    volume_z: Annotated[float, Field(ge=2, le=20)] = 4.0  # times what days usually scatter by
    warn_volume: Annotated[float, Field(gt=0, le=10)] = 0.3  # more or fewer rows than usual, as a share of these
    error_volume: Share = 0.6  # fewer rows than usual
    warn_nulls: Share = 0.05  # rise of the share of empty values
    error_nulls: Share = 0.5
    warn_new: Share = 0.02  # recent rows with a value never seen before
    error_new: Share = 0.5
    warn_gaps: Share = 0.2  # keys that another table lacks: trials have no subscription
    error_gaps: Share = 0.5

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in ("volume", "nulls", "new", "gaps"):
            if getattr(self, f"warn_{name}") > getattr(self, f"error_{name}"):
                raise ValueError(f"warn_{name} must not be above error_{name}")
        return self


class SignalSettings(_Part):
    """`[signals]`: which measures of every feature become signals."""

    measures: tuple[Measure, ...] = tuple(Measure)
    min_tenure_days: Annotated[StrictInt, Field(ge=0)] = 28

    @field_validator("measures")
    @classmethod
    def _once_each(cls, measures: tuple[Measure, ...]) -> tuple[Measure, ...]:
        for place, measure in enumerate(measures):
            if measure in measures[:place]:
                raise ValueError(f"'{measure}' stands twice")
        return measures


class AdoptionSettings(_Part):
    """`[adoption]`: the adoption benchmark."""

    low: Share = 0.10
    high: Share = 0.90
    min_accounts: Annotated[StrictInt, Field(ge=1)] = 50  # on each side: adopted and not adopted

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


class RankingSettings(_Part):
    """`[ranking]`: when a feature is kept."""

    max_q: Share = 0.05
    min_same_sign: Share = 0.95
    bootstraps: Annotated[StrictInt, Field(ge=20, le=10_000)] = 200
    top_k: Annotated[StrictInt, Field(ge=1)] = 15
    separable_accounts: Annotated[StrictInt, Field(ge=0)] = 50_000
    accept_leaks: tuple[str, ...] = ()  # signals, features or attributes whose leak alarm was looked into and is none


class MaturitySettings(_Part):
    """`[maturity]`: categories and levels."""

    mature_categories: Annotated[StrictInt, Field(ge=1)] = 3
    min_cut_agreement: Share = 0.60
    bootstraps: Annotated[StrictInt, Field(ge=20, le=10_000)] = 100


class ValueMetric(_Part):
    """`[milestones.value_metric]`: what is counted per month and purchased seat.

    Either `events`, or a time `column` of a `table`, each row counting on that day. Neither: resolved conversations
    where that table is there, else the value events.
    """

    events: tuple[str, ...] = ()
    table: Literal["", "conversations", "surveys"] = ""
    column: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.table) != bool(self.column):
            raise ValueError("table and column go together")
        if self.events and self.table:
            raise ValueError("give either events or a table with a column")
        return self


class MilestoneSettings(_Part):
    """`[milestones]`: how setup, activation and utilization are looked for."""

    value_metric: ValueMetric = ValueMetric()
    counts: tuple[Annotated[StrictInt, Field(ge=1)], ...] = (1, 2, 3, 5, 8, 13, 20, 35, 60)
    days: tuple[Annotated[StrictInt, Field(ge=1)], ...] = (7, 14, 28, 56, 91)
    later_days: Days = 90  # after the landmark, over which utilization is looked at
    setup_days: Days = 28
    earlier_share: Share = 0.6  # of cohorts or dates, on which a threshold is found; the later ones confirm it
    max_p: Share = 0.05
    draws: Annotated[StrictInt, Field(ge=50, le=10_000)] = 400

    @field_validator("counts", "days")
    @classmethod
    def _rising(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if not values or any(low >= high for low, high in pairwise(values)):
            raise ValueError("values must rise, and there must be one")
        return values

    @property
    def landmark_days(self) -> int:
        """The day of tenure by which activation is decided: the longest of the days searched."""
        return self.days[-1]

    @model_validator(mode="after")
    def _setup_first(self) -> Self:
        if self.setup_days >= self.days[-1]:
            raise ValueError("setup_days must be below the longest of days")
        return self


class TrainingSettings(_Part):
    """`[training]`: periods, models and tuning."""

    train_share: Share = 0.60
    calibrate_share: Share = 0.0  # 0: calibrated on out-of-fold predictions by account inside the training periods
    accounts: Literal["disjoint", "shared"] = "disjoint"  # which figure is the headline; both are printed
    folds: Annotated[StrictInt, Field(ge=2, le=20)] = 5
    trials: Annotated[StrictInt, Field(ge=0, le=1000)] = 0
    time_limit_seconds: Annotated[StrictInt, Field(ge=1)] = 120
    contacts: Annotated[StrictInt, Field(ge=0)] = 0  # accounts somebody contacts a date; 0: a twentieth of them
    contact_cost: Annotated[float, Field(ge=0)] = 0.0  # of one contact, in the currency of MRR
    saved_share: Share = 0.10  # assumed: of accounts that would leave, those that a contact keeps
    promote: Literal["auto", "ask"] = "auto"  # ask: a new model waits for 'milepost promote'
    min_churned: Annotated[StrictInt, Field(ge=2)] = 50
    min_rows: Annotated[StrictInt, Field(ge=10)] = 200


class Sink(_Part):
    """`[[scoring.sinks]]`: a table the scores go to besides their files.

    `duckdb` with a `path`, or `database` with `url_env`, the environment variable that holds its address.
    """

    kind: Literal["duckdb", "database"]
    path: str = ""
    url_env: str = ""
    table: str = "milepost_scores"

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) != (self.kind == "duckdb") or bool(self.url_env) != (self.kind == "database"):
            raise ValueError("duckdb takes a path, database takes url_env")
        return self


class ScoringSettings(_Part):
    """`[scoring]`: risk bands and the action line."""

    elevated_from: Share = 0.05
    high_from: Share = 0.15
    action_share: Share = 0.10
    always_explain: Annotated[StrictInt, Field(ge=0)] = 5_000  # reasons for at least so many accounts
    reasons: Annotated[StrictInt, Field(ge=0, le=10)] = 3
    keep_dates: Annotated[StrictInt, Field(ge=2)] = 400  # scored dates whose history is kept
    sinks: tuple[Sink, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.elevated_from > self.high_from:
            raise ValueError("elevated_from must not be above high_from")
        return self


class TeamHours(_Part):
    """`[team]`: when people answer; around the clock, every day, unless it says otherwise."""

    time_zone: str = "UTC"
    opens: Annotated[StrictInt, Field(ge=0, le=23)] = 0
    closes: Annotated[StrictInt, Field(ge=1, le=24)] = 24
    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEK

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError("opens must be before closes")
        if self.time_zone not in available_timezones():
            raise ValueError(f"no time zone '{self.time_zone[:40]}', expected one such as Europe/Berlin")
        return self

    @property
    def always(self) -> bool:
        """Whether they answer at any hour of any day."""
        return self.opens == 0 and self.closes == 24 and set(self.days) == set(WEEK)


class HelpTopic(_Part):
    """`[[help.topics]]`: a topic of conversations, since when help content covers it, when its cause was mended."""

    topic: Annotated[str, Field(min_length=1)]
    help_since: date | None = None
    fixed_at: date | None = None


class HelpSettings(_Part):
    """`[help]`: which events are reading and searching help content, and what is known of the topics it covers.

    would_ask: of the days on which help was read and nobody asked
    within a day, the share on which somebody would have asked without it; an assumption, none by default.
    """

    read_events: tuple[str, ...] = ()
    search_events: tuple[str, ...] = ()
    click_events: tuple[str, ...] = ()  # opening what a search found; reading counts as well
    topics: tuple[HelpTopic, ...] = ()
    would_ask: Share | None = None


class MetricAlert(_Part):
    """`[[metrics.alerts]]`: a line that a figure must not cross, in total or in every segment of `segment_by`."""

    metric: str
    below: float | None = None
    above: float | None = None
    segment_by: Literal["total", "plan", "size", "cohort", "milestone", "billing"] = "total"

    @model_validator(mode="after")
    def _a_line(self) -> Self:
        if self.below is None and self.above is None:
            raise ValueError("give below, above or both")
        return self


class MetricsSettings(_Part):
    """`[metrics]`: the period that is looked back over, and when a figure is an alarm."""

    months: Annotated[StrictInt, Field(ge=1, le=120)] = 12
    min_accounts: Annotated[StrictInt, Field(ge=1)] = 20  # a rate of fewer is "not enough data"
    alerts: tuple[MetricAlert, ...] = ()


class RoutingFlag(_Part):
    """`[[routing.flags]]`: a reason to reach out to an account, or to let it help itself first.

    when, until: conditions on scores, signals and facts (docs/routing.md); raised where `when` holds, dropped where
    `until` holds (empty: where `when` no longer does) or after `expires_days`. priority: 1 comes first. worth: what
    is at stake, in MRR; a contact is expected to save `share` of it, or what `experiment` measured.
    """

    name: Name
    when: Annotated[str, Field(min_length=1)]
    until: str = ""
    route: Route = Route.SERVE
    owner: str = ""
    priority: Annotated[StrictInt, Field(ge=1, le=1000)]
    expires_days: Days = 60
    quiet_days: Annotated[StrictInt, Field(ge=0, le=3660)] = 30  # after it expired, before it can be raised anew
    hours: Annotated[float, Field(ge=0.05, le=200)] = 0.5  # of one contact
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    worth: str = "churn_risk * mrr"
    share: Share = 0.10
    experiment: str = ""
    any_price: bool = False  # also for accounts below the price floor

    @model_validator(mode="after")
    def _has_owner(self) -> Self:
        if (self.route == Route.SERVE) != bool(self.owner):
            raise ValueError("a flag that leads to a person has an owner, one that leads to self-service has none")
        return self


class RoutingOwner(_Part):
    """`[[routing.owners]]`: hours that people have in `period_days`; `where`: only for accounts for which it holds."""

    name: Name
    hours: Annotated[float, Field(ge=0, le=100_000)]
    people: Annotated[StrictInt, Field(ge=1, le=10_000)] = 1
    where: str = ""


class RoutingSettings(_Part):
    """`[routing]`: who gets a person; needs at least one of `[[routing.owners]]`."""

    owners: tuple[RoutingOwner, ...] = ()
    flags: tuple[RoutingFlag, ...] = ()  # beside the flags that milepost brings; one of the same name replaces it
    without: tuple[str, ...] = ()  # flags that milepost brings and that are not wanted
    period_days: Days = 7  # what the owners' hours are for
    serve_days: Days = 14  # a person stays with an account at least so long
    between_days: Days = 30  # from one contact to the next, at least
    max_contacts: Annotated[StrictInt, Field(ge=1)] = 3  # within `within_days`
    within_days: Days = 90
    price_floor: Annotated[float, Field(ge=0)] = 100.0  # MRR
    open_channels: Annotated[tuple[str, ...], Field(min_length=1)] = ("help_center",)
    upset_topics: tuple[str, ...] = ()
    backlog_at_most: Annotated[StrictInt, Field(ge=0)] = 1_000_000  # open conversations without a reply
    fairness_accounts: Annotated[StrictInt, Field(ge=1)] = 50  # a group with fewer has no figure

    @model_validator(mode="after")
    def _rest(self) -> Self:
        if self.serve_days > self.between_days:
            raise ValueError("serve_days must not be above between_days")
        return self


class ReviewSettings(_Part):
    """`[review]`: days after which `milepost status` calls something late."""

    every_days: Days = 91  # from one review, or the framework, to the next
    data_days: Days = 3
    scores_days: Days = 35
    model_days: Days = 120


class Settings(_Part):
    """Everything milepost.toml may say, with defaults; `folder` is where the file stands."""

    project: Project = Project()
    windows: WindowSettings = WindowSettings()
    tables: Tables
    data: Data = Data()
    contract: ContractSettings = ContractSettings()
    signals: SignalSettings = SignalSettings()
    adoption: AdoptionSettings = AdoptionSettings()
    ranking: RankingSettings = RankingSettings()
    maturity: MaturitySettings = MaturitySettings()
    milestones: MilestoneSettings = MilestoneSettings()
    training: TrainingSettings = TrainingSettings()
    scoring: ScoringSettings = ScoringSettings()
    team: TeamHours = TeamHours()
    help: HelpSettings = HelpSettings()
    metrics: MetricsSettings = MetricsSettings()
    routing: RoutingSettings = RoutingSettings()
    review: ReviewSettings = ReviewSettings()
    folder: Path = Field(default=Path("."), exclude=True)

    def path(self, relative: str) -> Path:
        """A path of the settings, resolved against their folder; for reading it may lie anywhere.

        Raises SettingsError for what no path can be, and for `~`, which would be taken for a folder of that name.
        """
        if relative.startswith("~"):
            raise SettingsError(f"path '{relative}' begins with ~", where="milepost.toml", fix="write the whole path")
        try:
            return (self.folder / relative).resolve()
        except (ValueError, RuntimeError, OSError):  # a NUL, links in a circle
            raise SettingsError(f"path {relative!r} cannot be followed", where="milepost.toml",
                                fix="choose another one") from None  # fmt: skip

    def output_path(self, relative: str) -> Path:
        """A path that is written to. Raises SettingsError when it leaves the folder and every declared root."""
        target = self.path(relative)
        if not any(target.is_relative_to(self.path(root)) for root in (".", *self.project.roots)):
            raise SettingsError(
                f"output path '{relative}' leaves the project's folder",
                where="milepost.toml",
                fix="use a path inside it, or name the folder in project.roots",
            )
        return target

    def check_outputs(self) -> None:
        """Raise SettingsError when anything would be written outside the folder and the declared roots."""
        project = self.project
        for relative in (project.output, project.models, project.mlruns, project.framework, project.experiments):
            self.output_path(relative)
        for sink in self.scoring.sinks:
            if sink.path:
                self.output_path(sink.path)

    def within(self, memory_limit: str) -> Settings:
        """The same settings with another limit. Raises SettingsError when that is no amount of memory."""
        if not memory_limit or not re.match(MEMORY, memory_limit):
            raise SettingsError(f"'{memory_limit}' is no amount of memory", where="--memory-limit",
                                expected="a number and a unit such as 2GB")  # fmt: skip
        return self.model_copy(update={"project": self.project.model_copy(update={"memory_limit": memory_limit})})

    @property
    def output(self) -> Path:
        """Where tables, scores and the report go."""
        return self.output_path(self.project.output)

    @property
    def models(self) -> Path:
        """Where this project's model bundles go: one folder per project."""
        return self.output_path(self.project.models) / self.project.name

    @property
    def mlruns(self) -> Path:
        """Where MLflow keeps its database and artifacts."""
        return self.output_path(self.project.mlruns)

    @property
    def framework(self) -> Path:
        """The framework file."""
        return self.output_path(self.project.framework)

    @property
    def experiments(self) -> Path:
        """Where experiments live: one folder each, with its plan, its lock and who got which arm."""
        return self.output_path(self.project.experiments)


def load(path: Path) -> Settings:
    """Read and check milepost.toml.

    Raises SettingsError with the wrong key and the nearest right ones, or the value and what was expected.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except IsADirectoryError:
        raise SettingsError("this is a folder, not a file", where=str(path), fix="name milepost.toml in it") from None
    except FileNotFoundError:
        raise SettingsError(
            "no such file", where=str(path), fix="run 'milepost init' or name it with -c PATH"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"not valid TOML: {error}", where=str(path)) from None
    return parse(raw, folder=path.resolve().parent, where=path.name)


def parse(raw: dict[str, Any], folder: Path, where: str = "milepost.toml") -> Settings:
    """Check settings that were read already; `folder` is what their paths are relative to."""
    if "folder" in raw:
        raise SettingsError("unknown key 'folder'", where=where)
    try:
        return Settings.model_validate({**raw, "folder": folder})
    except ValidationError as error:
        found = error.errors()
        # a key that is spelt wrong may be one that is missing too
        unknown = [one for one in found if one["type"] == "extra_forbidden"]
        raise readable((unknown or found)[0], where) from None


def readable(error: ErrorDetails, where: str, root: type[BaseModel] = Settings) -> SettingsError:
    """What pydantic found in a file that `root` describes, as one line with the nearest right key."""
    place = [str(part) for part in error["loc"]]
    if error["type"].startswith("date"):
        place = place[:-1]  # pydantic adds which of the two kinds it tried
    key = ".".join(place)
    if error["type"] == "extra_forbidden":
        return SettingsError(f"unknown key '{key}'", where=where, fix=nearest(place[-1], _keys_beside(place, root)))
    if error["type"] == "missing":
        return SettingsError(
            f"'{key}' is missing",
            where=where,
            fix=f"add [{key}] with a path" if place[0] == "tables" else f"add '{place[-1]}'",
        )
    message = error["msg"].removeprefix("Value error, ")
    shown = repr(error["input"]) if isinstance(error["input"], int | float | str | bool) else ""
    return SettingsError(f"'{key}'{' = ' + shown if shown else ''}: {message[0].lower()}{message[1:]}", where=where)


def _keys_beside(place: list[str], root: type[BaseModel]) -> list[str]:
    """The keys that are allowed where the wrong one stands."""
    part = root
    for name in place[:-1]:
        field = part.model_fields.get(name)
        if field is None:
            break
        candidates = [field.annotation, *get_args(field.annotation)]
        part = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), part)
    return [name for name in part.model_fields if name != "folder"]
