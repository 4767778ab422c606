"""Help content against a plain oracle, and what its figures mean, worked by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from milepost.metrics.definitions import DEFINITIONS
from milepost.metrics.help import followed, help_days, help_rows
from milepost.settings import HelpSettings

START, END = date(2024, 3, 1), date(2024, 4, 1)
FIRST, LAST = datetime(2024, 3, 1), datetime(2024, 4, 1)
DAY = timedelta(days=1)
HELP = HelpSettings(read_events=("read", "tour"), search_events=("search",), click_events=("click",), would_ask=0.25)
NAMES = ("read", "tour", "search", "click", "other")


def draw(seed):
    rng = np.random.default_rng(seed)
    events = [
        (f"a{rng.integers(0, 5)}", FIRST + timedelta(minutes=int(rng.integers(-3 * 1440, 33 * 1440))),
         str(rng.choice(NAMES)), float(rng.integers(1, 4)), int(rng.integers(0, 3)) * DAY)
        for _ in range(int(rng.integers(0, 80)))
    ]  # fmt: skip
    asked = [
        (f"a{rng.integers(0, 6)}", FIRST + timedelta(minutes=int(rng.integers(-3 * 1440, 31 * 1440))))
        for _ in range(int(rng.integers(0, 40)))
    ]
    return events, asked


def oracle(events, asked, running):
    """Plain Python, one account and day at a time."""
    days = {}
    for account, at, name, quantity, late in events:
        if FIRST <= at < LAST and at + late < LAST and name != "other":
            day = days.setdefault((account, at.date()), {"first": at, "reads": 0.0, "searches": 0, "opened": False})
            day["first"] = min(day["first"], at)
            day["reads"] += quantity if name in ("read", "tour") else 0
            day["searches"] += name == "search"
            day["opened"] |= name in ("read", "tour", "click")

    def after(account, first):
        if any(one == account and first <= at <= first + DAY for one, at in asked):
            return True
        return False if first + DAY <= LAST else None

    marked = [(account, after(account, one["first"]), one) for (account, _), one in days.items()]
    read = [(account, yes, one) for account, yes, one in marked if one["reads"]]
    known = [(account, yes, one) for account, yes, one in read if yes is not None]
    searched = [(yes, one) for _, yes, one in marked if one["searches"]]
    alone, questions = sum(not yes for _, yes, _ in known), sum(FIRST <= at < LAST for _, at in asked)

    def share(above, below):
        return above / below if below else None

    return {
        "help_reach": share(len({account for account, *_ in read} & running), len(running)),
        "help_followed_share": share(sum(yes for _, yes, _ in known), len(known)),
        "self_served_share": share(alone, alone + questions),
        "contacts_avoided_per_help_view": share(alone / 4, sum(one["reads"] for *_, one in known)),
        "help_searches_without_click_share": share(sum(not one["opened"] for _, one in searched), len(searched)),
        "help_searches_followed_share": share(
            sum(yes for yes, _ in searched if yes is not None), sum(yes is not None for yes, _ in searched)
        ),
    }


def figures(events, asked, running, settings=HELP):
    names = ["account_id", "occurred_at", "event_name", "quantity", "visible_at"]
    rows = [(account, at, name, quantity, at + late) for account, at, name, quantity, late in events]
    table = pd.DataFrame(rows, columns=names).astype(
        {"account_id": "string", "event_name": "string", "quantity": float,
         "occurred_at": "datetime64[us]", "visible_at": "datetime64[us]"}
    )  # fmt: skip
    talks = pd.DataFrame(asked, columns=["account_id", "opened_at"]).astype({"opened_at": "datetime64[us]"})
    talks = talks[talks["opened_at"] < LAST]
    days = followed(help_days(ibis.memtable(table), settings, START, END), talks, END)
    inside = talks[talks["opened_at"] >= FIRST]
    return {
        row["metric"]: row
        for row in help_rows(days, inside, pd.DataFrame({"account_id": sorted(running)}), settings, 1)
    }


@pytest.mark.parametrize("block", range(10))
def test_figures_equal_a_plain_oracle_on_200_histories(block):
    running = {"a0", "a1", "a2", "a7"}
    for seed in range(20 * block, 20 * block + 20):
        events, asked = draw(seed)
        wanted, found = oracle(events, asked, running), figures(events, asked, running)
        assert set(found) == set(wanted) <= set(DEFINITIONS)
        for metric, value in wanted.items():
            if value is None:
                assert np.isnan(found[metric]["value"]), (seed, metric)
            else:
                assert found[metric]["value"] == pytest.approx(value, rel=1e-12), (seed, metric)


def test_a_day_that_is_not_over_is_undecided():
    events = [("a", LAST - timedelta(hours=2), "read", 1.0, 0 * DAY), ("a", LAST - 2 * DAY, "read", 1.0, 0 * DAY)]
    row = figures(events, [], {"a"})["help_followed_share"]
    assert (row["denominator"], row["undecided"], row["value"]) == (1, 1, 0)


def test_what_is_avoided_is_an_assumption_or_nothing():
    settings = HelpSettings(read_events=("read",))
    found = figures([("a", FIRST, "read", 2.0, 0 * DAY)], [], {"a"}, settings)
    assert np.isnan(found["contacts_avoided_per_help_view"]["value"])
    assert found["contacts_avoided_per_help_view"]["note"].startswith("needs would_ask in [help]: an assumption")
    assert "help_searches_followed_share" not in found
    assert "assumption, not a measurement" in DEFINITIONS["contacts_avoided_per_help_view"].text
