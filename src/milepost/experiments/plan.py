"""The plan of an experiment, plan.toml: everything that is decided before the first account enters.

`read(text)` gives a checked, frozen Plan or raises one line. What analysis may do later is fixed here: the metrics and
their roles, the predicted directions, the segments, the looks and the decision.
"""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, model_validator

from milepost.errors import PlanError, nearest
from milepost.settings import Days, readable

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$")]
Role = Literal["primary", "secondary", "guardrail", "long_run", "delivery", "exploratory"]
Kind = Literal["conversion", "mean", "count", "ratio", "time_to_event", "quantile"]
Measured = Literal[
    "events", "active", "value", "paid", "running", "mrr", "revenue", "conversations", "replied", "first_reply_minutes",
    "survey", "days_to_event", "days_to_paid",
]  # fmt: skip
SHARES = ("active", "paid", "running")
_NEEDS_EVENTS = ("events", "active", "value", "days_to_event")
_OF_TIMES = ("days_to_event", "days_to_paid")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Arm(_Part):
    """`[[arm]]`: one of them is the control. `change` begins a sentence: "taking help away".

    without: the arm takes the plan's features away; what is proven of them has the other sign.
    """

    name: Name
    control: bool = False
    weight: Annotated[float, Field(gt=0)] = 1.0
    change: str = ""
    without: bool = False


class Eligibility(_Part):
    """`[eligibility]`: attribute of accounts -> the values that may enter; empty: every account."""

    where: dict[str, tuple[str, ...]] = {}


class Enrolment(_Part):
    """`[enrolment]`: accounts created in [start, end) enter, or those of `units`, a table with their own times.

    share: of the eligible accounts that enter at all; holdout: of all eligible accounts kept out for later comparison;
    per_day: eligible sign-ups a day, for the sizes (0: counted in the accounts of the 90 days before start);
    planned_accounts: of all arms together, what looks are spaced by.
    """

    start: date
    end: date
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    units: str = ""
    per_day: Annotated[float, Field(ge=0)] = 0.0
    planned_accounts: Annotated[StrictInt, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start >= self.end:
            raise ValueError("start must be before end")
        if self.share + self.holdout > 1 + 1e-9:
            raise ValueError("share and holdout are more than all accounts")
        return self

    @property
    def days(self) -> int:
        return (self.end - self.start).days


class Exposure(_Part):
    """`[exposure]`: the event by which an account meets the experiment, and for how many days it lasts."""

    event: str = ""
    days: Days = 28


class Metric(_Part):
    """`[[metric]]`: what is measured on every account in the `window_days` from its enrolment.

    conversion: `paid`, `active` (any of `events`) or `running` at the end; mean: any measure per account; count: a
    number per account; ratio: `measure` over `per`; time_to_event: `days_to_event` or `days_to_paid`, by the end of
    the window; quantile: of a measure. baseline, spread (standard deviation): for sizes, measured on accounts
    of before the experiment where they are left out. smallest_effect: worth acting on, in the metric's unit, positive.
    margin: of a guardrail, how much worse is still accepted. expected: of a delivery check.
    """

    name: Name
    role: Role
    kind: Kind
    measure: Measured
    window_days: Days
    label: str = ""
    events: tuple[str, ...] = ()
    survey: str = ""
    per: Measured | Literal[""] = ""
    estimand: Literal["ratio_of_totals", "mean_of_ratios"] = "ratio_of_totals"
    quantile: Annotated[float, Field(gt=0, lt=1)] = 0.5
    better: Literal["higher", "lower"] = "higher"
    expected: Literal["", "higher", "lower"] = ""
    margin: Annotated[float, Field(ge=0)] = 0.0
    smallest_effect: Annotated[float, Field(ge=0)] = 0.0
    baseline: float | None = None
    spread: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _need(self.measure not in _NEEDS_EVENTS or bool(self.events), f"measure '{self.measure}' needs events")
        _need((self.measure == "survey") == bool(self.survey), "measure 'survey' and survey go together")
        _need((self.kind == "ratio") == bool(self.per), "kind 'ratio' and per go together")
        _need(self.kind != "conversion" or self.measure in SHARES, f"a conversion is one of {', '.join(SHARES)}")
        timed = self.measure in _OF_TIMES
        _need((self.kind == "time_to_event") == timed, f"time_to_event is measured by {' or '.join(_OF_TIMES)}")
        _need(self.role != "guardrail" or self.margin > 0, "a guardrail needs a margin above 0")
        _need(self.role != "delivery" or bool(self.expected), "a delivery check needs expected")
        _need(self.role != "primary" or self.smallest_effect > 0, "a primary metric needs a smallest_effect above 0")
        return self

    @property
    def is_share(self) -> bool:
        """Whether its values are shares, shown in points."""
        return self.kind in ("conversion", "time_to_event")

    @property
    def words(self) -> str:
        """Its name as people say it."""
        return self.label or self.name.replace("_", " ")


class Hypothesis(_Part):
    """`[[hypothesis]]`: an arm moves a metric `higher` or `lower` than the control. Holm is applied within a family."""

    name: Name
    metric: str
    direction: Literal["higher", "lower"]
    arm: str = ""
    family: str = "main"
    because: str = ""


class Analysis(_Part):
    """`[analysis]`: how it is judged. underpowered_because: why too few accounts are accepted, in a sentence."""

    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.8
    looks: Annotated[StrictInt, Field(ge=1, le=10)] = 1
    covariates: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    underpowered_because: str = ""


class Costs(_Part):
    """`[costs]`: arm -> cost of one account, and of one unit of the metric `unit`; `value` is the metric they buy."""

    value: str = ""
    unit: str = ""
    per_account: dict[str, Annotated[float, Field(ge=0)]] = {}
    per_unit: dict[str, Annotated[float, Field(ge=0)]] = {}


class Decision(_Part):
    """`[decision]`: the metrics that decide; without any, the primary ones."""

    by: tuple[str, ...] = ()


class Plan(_Part):
    """Everything plan.toml may say."""

    name: Name
    question: str = ""
    unit: Literal["account"] = "account"
    salt: Annotated[str, Field(min_length=4)]
    eligibility: Eligibility = Eligibility()
    enrolment: Enrolment
    exposure: Exposure = Exposure()
    arm: Annotated[tuple[Arm, ...], Field(min_length=2)]
    metric: Annotated[tuple[Metric, ...], Field(min_length=1)]
    hypothesis: Annotated[tuple[Hypothesis, ...], Field(min_length=1)]
    analysis: Analysis = Analysis()
    costs: Costs = Costs()
    decision: Decision = Decision()
    features: tuple[str, ...] = ()

    @property
    def control(self) -> Arm:
        """The arm the others are compared with."""
        return next(arm for arm in self.arm if arm.control)

    @property
    def treated(self) -> tuple[Arm, ...]:
        """The other arms, in the plan's order."""
        return tuple(arm for arm in self.arm if not arm.control)

    @property
    def weights(self) -> dict[str, float]:
        """Arm -> weight."""
        return {arm.name: arm.weight for arm in self.arm}

    @property
    def deciding(self) -> tuple[Metric, ...]:
        """The metrics the decision goes by."""
        primary = tuple(metric.name for metric in self.metric if metric.role == "primary")
        return tuple(metric for metric in self.metric if metric.name in (self.decision.by or primary))

    @property
    def longest_deciding(self) -> int:
        """Days until an account has the window of every deciding metric behind it."""
        return max(metric.window_days for metric in self.deciding)

    def metric_named(self, name: str) -> Metric:
        """The metric of that name."""
        return next(metric for metric in self.metric if metric.name == name)

    def arm_named(self, name: str) -> Arm:
        """The arm of that name; the only one beside the control for ""."""
        return next(arm for arm in self.treated if name in (arm.name, ""))

    def matures_on(self, metric: Metric) -> date:
        """The midnight from which the last account that entered has its whole window behind it."""
        return self.enrolment.end + timedelta(days=metric.window_days)


def read(text: str, where: str = "plan.toml") -> Plan:
    """Read and check a plan.

    Raises PlanError with the wrong key or name and the nearest right one.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"not valid TOML: {error}", where=where) from None
    try:
        plan = Plan.model_validate(raw)
    except ValidationError as error:
        found = readable(error.errors()[0], where, Plan)
        raise PlanError(found.what, where=where, fix=found.fix) from None
    _check_arms(plan, where)
    _check_names(plan, where)
    return plan


def fingerprint(text: str) -> str:
    """sha256 of a plan's text: any edit changes it."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _check_arms(plan: Plan, where: str) -> None:
    _once([arm.name for arm in plan.arm], "arm", where)
    controls = [arm.name for arm in plan.arm if arm.control]
    if len(controls) != 1:
        raise PlanError(f"{len(controls)} arms are the control", where=where, fix="set control = true for just one")


def _check_names(plan: Plan, where: str) -> None:
    """Raise PlanError for a metric or an arm that the plan does not define, or one that stands twice."""
    metrics, arms = [metric.name for metric in plan.metric], [arm.name for arm in plan.arm]
    _once(metrics, "metric", where)
    _once([hypothesis.name for hypothesis in plan.hypothesis], "hypothesis", where)
    asked = [hypothesis.metric for hypothesis in plan.hypothesis]
    for name in [*asked, *plan.decision.by, *filter(None, (plan.costs.value, plan.costs.unit))]:
        _known(name, metrics, "metric", where)
    treated = [arm.name for arm in plan.treated]
    for hypothesis in plan.hypothesis:
        if hypothesis.arm or len(treated) > 1:
            _known(hypothesis.arm, treated, "arm beside the control", where)
    for name in [*plan.costs.per_account, *plan.costs.per_unit]:
        _known(name, arms, "arm", where)
    if plan.analysis.looks > 1 and not plan.enrolment.planned_accounts:
        raise PlanError("looks need enrolment.planned_accounts", where=where, fix="'milepost experiment power' says it")
    if not plan.deciding:
        raise PlanError("no metric decides", where=where, fix="make one primary, or name metrics in decision.by")
    silent = [metric.name for metric in plan.metric if metric.role == "primary" and metric.name not in asked]
    if silent:
        raise PlanError(f"primary metric '{silent[0]}' has no hypothesis", where=where, fix="add a [[hypothesis]]")


def _known(name: str, right: list[str], what: str, where: str) -> None:
    if name not in right:
        raise PlanError(f"no {what} '{name}' in the plan", where=where, fix=nearest(name, right))


def _once(names: list[str], what: str, where: str) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise PlanError(f"{what} '{name}' stands twice", where=where)
