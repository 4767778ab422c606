"""The project's words as code: enumerations and column names that more than one module uses."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How far an account has come in one maturity category."""

    BASIC = "basic"
    MATURE = "mature"


class RiskBand(StrEnum):
    """Churn risk, cut at the settings' two thresholds."""

    LOW = "low"
    ELEVATED = "elevated"
    HIGH = "high"


class Verdict(StrEnum):
    """What the evidence says about a feature; see docs/ranking.md."""

    TOO_NEW = "too_new"
    UBIQUITOUS = "ubiquitous"
    UBIQUITOUS_INTENSITY = "ubiquitous_intensity"
    NICHE = "niche"
    NICHE_WATCH = "niche_watch"
    HARMFUL = "harmful"
    KEEP = "keep"
    CONFOUNDED = "confounded"
    PROXY = "proxy"
    NOT_SEPARABLE = "not_separable"
    NO_EFFECT = "no_effect"
    INCONCLUSIVE = "inconclusive"


class Goal(StrEnum):
    """What features are ranked by: at the end of the outcome window an account is there, larger, active or mature."""

    RETAINED = "retained"
    EXPANDED = "expanded"
    ACTIVE = "active"
    MATURE = "mature"


class Milestone(StrEnum):
    """The way of an account, in order."""

    SETUP = "setup"
    ACTIVATION = "activation"
    UTILIZATION = "utilization"
    MATURITY = "maturity"


class Movement(StrEnum):
    """What became of an account's MRR between two dates."""

    NEW = "new"
    REACTIVATED = "reactivated"
    RESUMED = "resumed"
    EXPANDED = "expanded"
    CONTRACTED = "contracted"
    PAUSED = "paused"
    CHURNED = "churned"
    UNCHANGED = "unchanged"


class Route(StrEnum):
    """Who moves: a person reaches out, or the account helps itself."""

    SERVE = "serve"
    SELF_SERVE = "self_serve"


class Action(StrEnum):
    """What a rule on data does when it is broken."""

    REJECT = "reject"
    QUARANTINE = "quarantine"
    WARN = "warn"


class Measure(StrEnum):
    """What a signal measures about a feature within its window."""

    COUNT = "count"
    RECENT_COUNT = "recent_count"
    ACTIVE_DAYS = "active_days"
    USERS = "users"
    USER_SHARE = "user_share"
    VALUE_SUM = "value_sum"
    RECENCY = "recency"
    TREND = "trend"
    EVER = "ever"
    PER_SEAT = "per_seat"


ACCOUNT, SNAPSHOT = "account_id", "snapshot_date"

LEFT_OUT_GAP = "ended_in_gap"
LEFT_OUT_CENSORED = "censored"
LEFT_OUT_UNKNOWN = "unknown"
