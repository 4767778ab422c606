"""The demo's two experiments, whose truth is known: what the analysis says of them, over many draws."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest

from milepost.demo.experiment_worlds import HELP, SUPPORT
from milepost.pipeline.demo_experiment import experiment_world, make_experiment
from milepost.pipeline.experiment_analyze import look_at
from milepost.pipeline.job import open_job

EARLY, LATE = date(2024, 3, 4), date(2024, 7, 1)


def looks(folder, kind, seed, days):
    """The analyses of one world as of several days."""
    make_experiment(folder, kind, seed, lambda text: None)
    jobs = [open_job(folder / "milepost.toml", datetime(2025, 1, 1), day) for day in days]
    return [look_at(job, kind).analysis for job in jobs]


def help_says(folder, seed):
    """Nothing in paid conversion on day 28; less by day 90; the second hypothesis the other way round."""
    early, late = looks(folder, HELP, seed, (EARLY, LATE))
    first = early.line("paid_day_28", "no_help").estimate
    verdicts = {one.hypothesis.name: str(one.verdict) for one in late.tested}
    long_run = late.line("paid_day_90", "no_help").estimate
    return (
        first.low <= 0 <= first.high
        and early.line("paid_day_90", "no_help") is None
        and str(early.decision["no_help"]) == "TOO EARLY"
        and long_run.high < 0
        and verdicts["long_run"] == "SUPPORTED"
        and verdicts["deflection"] == "REVERSED"
        and str(late.decision["no_help"]) == "HARM"
    ), long_run.difference


def support_says(folder, seed):
    """More questions and trials; revenue with an interval that includes zero, whatever its middle."""
    (found,) = looks(folder, SUPPORT, seed, (LATE,))
    revenue = found.line("revenue", "real_time").estimate
    verdicts = {one.hypothesis.name: str(one.verdict) for one in found.tested}
    said = revenue.low <= 0 <= revenue.high and verdicts["paying"] == "INCONCLUSIVE"
    open_ = verdicts["asking"] == verdicts["trying"] == "SUPPORTED" and str(found.decision["real_time"]) == "HOLD"
    return said and open_, revenue.relative


def test_taking_help_away_shows_only_in_the_long_run(tmp_path):
    right, difference = help_says(tmp_path, 7)
    assert right
    assert difference == pytest.approx(-0.09, abs=0.04)  # the truth, 3 standard errors


def test_support_in_real_time_is_not_shown_to_raise_revenue(tmp_path):
    right, _ = support_says(tmp_path, 7)
    assert right


def test_the_truth_of_the_worlds_is_what_is_simulated():
    world, _, log = experiment_world(HELP, 3, accounts=40_000)
    paid = world.subscriptions[world.subscriptions["paid"]].merge(log, on="account_id")
    day = (paid["started_at"] - paid["enrolled_at"]).dt.total_seconds() / 86_400
    sizes = log["arm"].value_counts()
    shares = {days: paid[day < days].groupby("arm").size() / sizes for days in (28, 90)}
    # standard errors .003 and .004
    assert shares[28]["no_help"] - shares[28]["help"] == pytest.approx(world.truth["paid_day_28"], abs=0.009)
    assert shares[90]["no_help"] - shares[90]["help"] == pytest.approx(world.truth["paid_day_90"], abs=0.013)
    asked = world.conversations.merge(log, on="account_id").groupby("arm").size() / sizes
    assert asked["no_help"] - asked["help"] == pytest.approx(world.truth["questions"], abs=0.06)


def test_readers_of_help_look_better_than_help_makes_them():
    world, _, log = experiment_world(HELP, 3, accounts=40_000)
    control = log[log["arm"] == "help"]["account_id"]
    did = {name: set(world.events.loc[world.events["event_name"] == name, "account_id"])
           for name in ("help_article_read", "conversation_resolved")}  # fmt: skip
    reads, active = (control.isin(did[name]) for name in did)
    times = active[reads].mean() / active[~reads].mean()
    assert times == pytest.approx(world.truth["used_help_activates_times"], abs=0.25)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "says"), [(HELP, help_says), (SUPPORT, support_says)])
def test_fifty_draws(tmp_path, kind, says):
    found = [says(tmp_path / str(seed), seed) for seed in range(1, 51)]
    right = sum(answer for answer, _ in found)
    middles = np.array([middle for _, middle in found])
    print(f"\n{kind}: as planted in {right} of 50 draws; mean {middles.mean():+.3f}, spread {middles.std():.3f}")
    assert right >= 45
