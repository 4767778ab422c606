"""Which signals a catalogue and its data give: declared first, computed later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from milepost.signals.catalogue import Feature
from milepost.signals.spec import Signal
from milepost.terms import Measure
from milepost.windows import Windows

# measure -> (per, unit, description); {w} is the window, {f} the feature
_FEATURE_MEASURES: dict[Measure, tuple[str, str, str]] = {
    Measure.COUNT: ("day", "uses a day", "uses of {f} a day observed, last {w} days"),
    Measure.RECENT_COUNT: ("day", "uses a day", "uses of {f} a day observed, last {w} days"),
    Measure.ACTIVE_DAYS: ("day", "share of days", "share of the days observed on which {f} was used, last {w} days"),
    Measure.USERS: ("", "users", "users who used {f}, last {w} days"),
    Measure.USER_SHARE: ("user", "share of active users", "share of the active users who used {f}, last {w} days"),
    Measure.VALUE_SUM: ("day", "value a day", "summed value of {f} a day observed, last {w} days"),
    Measure.RECENCY: ("", "days", "days since {f} was last used, at most {w}"),
    Measure.TREND: ("", "-1 to 1", "recent use of {f} against the rest of the window: 1 all recent, -1 none recent"),
    Measure.EVER: ("", "0 or 1", "{f} was used at least once since the account was created"),
    Measure.PER_SEAT: ("seat", "uses a day and seat", "uses of {f} a day observed and seat, last {w} days"),
}

# name -> (unit, description)
_ACCOUNT = {
    "tenure_days": ("days", "days since the account was created"),
    "exposure_days": ("days", "days of the observation window in which the account could be seen"),
    "days_since_last_use": ("days", "days since the last event of any kind, at most the observation window"),
    "active_days": ("share of days", "share of the days observed with any event"),
    "events_per_day": ("events a day", "events of any catalogued feature a day observed"),
    "breadth": ("features", "different features used in the observation window"),
}
_USERS = {"active_users": ("users", "users with any event in the observation window")}
_SUBSCRIPTION = {
    "seats": ("seats", "seats of the base subscription just before the snapshot"),
    "mrr": ("money a month", "monthly recurring revenue over all items just before the snapshot"),
    "seats_growth": ("share", "change of seats over the observation window, as a share of the seats before"),
    "mrr_growth": ("share", "change of MRR over the observation window, as a share of the MRR before"),
    "items": ("items", "subscription items running, base included"),
    "term_months": ("months", "length of the running term"),
    "days_to_term_end": ("days", "days from the snapshot to the scheduled end of the running term"),
    "term_end_in_outcome_window": ("0 or 1", "the running term is scheduled to end inside the outcome window"),
    "seats_active": ("share", "active users divided by seats"),
}
_CONVERSATIONS = {
    "conversations_opened": ("conversations a day", "conversations opened a day observed"),
    "conversations_resolved": ("conversations a day", "conversations resolved a day observed"),
    "conversations_resolved_per_seat": (
        "conversations a month and seat",
        "conversations resolved per 30 days and seat",
    ),
    "first_reply_minutes": ("minutes", "median minutes to the first reply of conversations opened in the window"),
    "resolution_minutes": ("minutes", "median minutes to the resolution of conversations resolved in the window"),
    "rating": ("rating", "mean rating given in the window"),
    "rated_share": ("share", "ratings given per conversation resolved in the window"),
}
_REOPENED = {
    "reopened_share": ("share", "conversations resolved in the window that had been opened again, of those resolved")
}
_SELF_SERVED = {
    "self_served_share": (
        "share",
        "days on which help was read and nobody asked within a day, of these and the conversations opened",
    )
}
_SURVEYS = {"nps": ("0 to 10", "last NPS answer in the observation window"),
            "csat": ("score", "last CSAT answer in the observation window")}  # fmt: skip


@dataclass(frozen=True)
class Available:
    """Which optional data there are: they decide which signals can be declared."""

    users: bool
    values: frozenset[str]  # features with at least one value
    subscriptions: bool
    conversations: bool
    surveys: bool
    attributes: Mapping[str, tuple[str, ...]]  # plan and immutable attributes -> the values seen, sorted
    reopened: bool = False  # whether conversations say that they were opened again
    help: bool = False  # whether the settings say which events are reading help


def everything(features: Iterable[Feature], attributes: Iterable[str] = ()) -> Available:
    """As if every optional data were there: what signals there can be at all."""
    names = frozenset(feature.name for feature in features)
    return Available(True, names, True, True, True, dict.fromkeys(attributes, ()), True, True)


def declare_signals(
    features: Iterable[Feature], measures: Iterable[Measure], windows: Windows, available: Available
) -> tuple[Signal, ...]:
    """Every signal the data can give, in a fixed order: features in catalogue order, then the account's own."""
    possible = [measure for measure in measures if _possible(measure, available)]
    declared = [
        _feature_signal(feature, measure, windows)
        for feature in features
        for measure in possible
        if measure is not Measure.VALUE_SUM or feature.name in available.values
    ]
    declared += [_account_signal(name, *words, windows) for name, words in _account_words(available).items()]
    for column, values in available.attributes.items():
        declared += [_attribute_signal(column, value) for value in values]
    return tuple(declared)


def _possible(measure: Measure, available: Available) -> bool:
    if measure in (Measure.USERS, Measure.USER_SHARE):
        return available.users
    if measure is Measure.PER_SEAT:
        return available.subscriptions
    return True


def _feature_signal(feature: Feature, measure: Measure, windows: Windows) -> Signal:
    per, unit, description = _FEATURE_MEASURES[measure]
    days = windows.recent_days if measure is Measure.RECENT_COUNT else windows.observation_days
    return Signal(
        f"{feature.name}.{measure}", feature.name, measure, days, per, unit, description.format(f=feature.name, w=days)
    )


def _account_words(available: Available) -> dict[str, tuple[str, str]]:
    words = dict(_ACCOUNT)
    if available.users:
        words |= _USERS
    if available.subscriptions:
        words |= {name: text for name, text in _SUBSCRIPTION.items() if available.users or name != "seats_active"}
    if available.conversations:
        words |= _CONVERSATIONS
        words |= _REOPENED if available.reopened else {}
        words |= _SELF_SERVED if available.help else {}
    if available.surveys:
        words |= _SURVEYS
    return words


def _account_signal(name: str, unit: str, description: str, windows: Windows) -> Signal:
    return Signal(f"account.{name}", None, name, windows.observation_days, "", unit, description)


def _attribute_signal(column: str, value: str) -> Signal:
    return Signal(
        f"account.{column}={value}", None, "is", 0, "", "0 or 1", f"1 where {column} is {value}", column, value
    )
