"""What is declared follows from what data there are, in a fixed order."""

import pytest

from milepost.signals.catalogue import Feature
from milepost.signals.declare import Available, declare_signals, everything
from milepost.terms import Measure
from milepost.windows import Windows

FEATURES = (Feature("macros", ("m",), "x"), Feature("export", ("e",), "y"))
WINDOWS = Windows(84, 14, 56, 14)
ALL = Available(True, frozenset({"macros"}), True, True, True, {"plan": ("free", "pro")})
NOTHING = Available(False, frozenset(), False, False, False, {})


def declared(available, measures=tuple(Measure)):
    return declare_signals(FEATURES, measures, WINDOWS, available)


def test_names_are_unique_and_in_order():
    names = [signal.name for signal in declared(ALL)]
    assert len(set(names)) == len(names)
    assert names[:2] == ["macros.count", "macros.recent_count"]
    assert names.index("export.per_seat") < names.index("account.tenure_days")
    assert names[-2:] == ["account.plan=free", "account.plan=pro"]
    # 10 measures for macros, 9 for export (it has no value), 6 + 1 + 9 + 7 + 2 of the account, 2 plans
    assert len(names) == 10 + 9 + 25 + 2


def test_without_optional_data_only_what_can_be_known():
    names = {signal.name for signal in declared(NOTHING)}
    assert {name.split(".")[1] for name in names if name.startswith("macros")} == {
        "count", "recent_count", "active_days", "recency", "trend", "ever",
    }  # fmt: skip
    assert {name for name in names if name.startswith("account")} == {
        f"account.{name}"
        for name in ("tenure_days", "exposure_days", "days_since_last_use", "active_days", "events_per_day", "breadth")
    }


@pytest.mark.parametrize(("users", "subscriptions"), [(True, False), (False, True)])
def test_active_share_of_seats_needs_users_and_seats(users, subscriptions):
    names = {s.name for s in declared(Available(users, frozenset(), subscriptions, False, False, {}))}
    assert "account.seats_active" not in names
    assert ("account.active_users" in names) == users
    assert ("account.seats" in names) == subscriptions


def test_reopened_and_self_served_need_their_data():
    def of(**there):
        available = Available(False, frozenset(), False, there.pop("conversations", True), False, {}, **there)
        return {s.name for s in declared(available)} & {"account.reopened_share", "account.self_served_share"}

    assert of() == of(conversations=False, reopened=True, help=True) == set()
    assert of(reopened=True) == {"account.reopened_share"}
    assert of(help=True) == {"account.self_served_share"}
    # 48 signals of all data, these two, and an attribute without a value
    assert len(declared(everything(FEATURES, ["plan"]))) == 10 + 10 + 25 + 2


def test_a_signal_says_its_window_and_unit():
    by_name = {signal.name: signal for signal in declared(ALL)}
    recent = by_name["macros.recent_count"]
    assert (recent.feature, recent.measure, recent.window_days, recent.per) == ("macros", "recent_count", 28, "day")
    assert recent.description == "uses of macros a day observed, last 28 days"
    plan = by_name["account.plan=pro"]
    assert (plan.feature, plan.measure, plan.column, plan.equals) == (None, "is", "plan", "pro")


def test_only_the_measures_asked_for():
    names = [s.name for s in declared(NOTHING, (Measure.TREND, Measure.COUNT)) if s.feature]
    assert names == ["macros.trend", "macros.count", "export.trend", "export.count"]


def test_braces_in_a_feature_name_are_text():
    (signal,) = [
        s
        for s in declare_signals([Feature("{w} {x}", ("e",), "c")], [Measure.COUNT], WINDOWS, NOTHING)
        if s.feature
    ]  # fmt: skip
    assert signal.description == "uses of {w} {x} a day observed, last 84 days"
