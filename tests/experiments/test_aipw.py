"""Associations with a known answer: measured confounding goes away, unmeasured does not and is told."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from milepost.experiments.aipw import associate
from milepost.experiments.plan import read
from milepost.experiments.propose import ASSOCIATION, NOTHING, WORTH, Draft, Standing, draft, name_of, propose

FINE = Standing("keep", 0.001, "adjusted", 0.0)


def logistic(value):
    return 1 / (1 + np.exp(-value))


def world(seed, effect=0.0, seen=1.0, hidden=0.0, accounts=1500, rows=3):
    """Snapshots of accounts. seen, hidden: how much what is (not) measured moves both use and churn."""
    draws = np.random.default_rng(seed)
    codes = np.repeat(np.arange(accounts), rows)
    size, health = draws.normal(size=(2, accounts))[:, codes]
    use = draws.random(len(codes)) < logistic(seen * size + hidden * health)
    churned = draws.random(len(codes)) < logistic(-2.0 - seen * size - hidden * health - effect * use)
    controls = np.column_stack([np.ones(len(codes)), (size - size.mean()) / size.std()])
    return churned.astype(float), use, controls, codes.astype(np.intp)


def test_what_is_measured_is_taken_out():
    churned, use, controls, codes = world(1)
    naive = churned[~use].mean() - churned[use].mean()
    found = associate(churned, use, controls, codes, seed=1)
    assert naive > 0.05
    assert found.low <= 0 <= found.high
    assert found.worst < 0.1 < found.worst_before


def test_an_effect_is_found_with_its_size():
    churned, use, controls, codes = world(2, effect=1.0, accounts=6000)
    chance = logistic(-2.0 - np.random.default_rng(9).normal(size=200_000))
    odds = chance / (1 - chance) * np.exp(-1.0)
    truth = float(chance.mean() - (odds / (1 + odds)).mean())
    found = associate(churned, use, controls, codes, seed=1)
    assert found.low <= truth <= found.high
    assert found.high - found.low < truth
    assert found.e_value > found.e_value_low > 1


def test_without_an_effect_one_is_rarely_found():
    # 60 worlds at 5 %: more than 9 has a chance of 1 in 1,000
    wrong = [associate(*world(seed, accounts=400), seed=seed) for seed in range(60)]
    assert sum(one.low > 0 or one.high < 0 for one in wrong) <= 9


def test_rows_of_one_account_are_one_account():
    churned, use, controls, codes = world(3, rows=1, accounts=800)
    once = associate(churned, use, controls, codes, seed=1)
    copies = tuple(np.repeat(part, 5, axis=0) for part in (churned, use, controls, codes))
    five = associate(*copies, seed=1)
    assert five.high - five.low == pytest.approx(once.high - once.low, rel=0.05)


def test_few_accounts_are_no_answer():
    churned, use, controls, codes = world(4, accounts=60, rows=1)
    assert not associate(churned, use, controls, codes, seed=1).known


def test_what_is_hidden_stays_an_association():
    # health that no table shows moves use and churn: every figure looks fine, the negative control does not
    found = associate(*world(5, hidden=1.0, accounts=4000), seed=1)
    assert found.low > 0
    assert found.e_value_low > 1.5
    assert propose("tour", found, FINE, 0.25).grade == WORTH
    told = propose("tour", found, Standing("keep", 0.001, "association", 0.12), 0.25)
    assert told.grade == ASSOCIATION
    assert "the negative control fails" in told.because[0]


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Standing("keep", 0.001, "association", float("nan")), "the ranking grades it an association"),
        (Standing("inconclusive", 0.2, "", 0.0), "among all features tested it is not clear"),
    ],
)
def test_doubts_of_the_ranking_lower_the_grade(standing, reason):
    found = associate(*world(2, effect=1.0, accounts=3000), seed=1)
    told = propose("tour", found, standing, 0.25)
    assert told.grade == ASSOCIATION
    assert reason in told.because[0]


def test_nothing_shown_drafts_nothing():
    told = propose("tour", associate(*world(1), seed=1), FINE, 0.25)
    assert told.grade == NOTHING
    assert np.isnan(told.effect)
    assert "at equal controls retention differs by" in told.because[0]


def test_a_draft_is_a_plan_sized_at_the_shrunken_bound():
    found = associate(*world(2, effect=1.0, accounts=3000), seed=1)
    told = propose('say "hi"', found, FINE, 0.2)
    z = found.effect / ((found.high - found.low) / 2 / 1.96)
    assert told.effect == pytest.approx(found.low * (1 - 1 / z**2) * 0.2)
    plan = read(draft(told, Draft(date(2025, 1, 8), 70, 0.95, 700, ["hi_said"], "experiments/x/units.csv")))
    assert plan.features == ('say "hi"',)
    assert plan.metric_named("retained").smallest_effect == pytest.approx(told.effect, abs=1e-5)
    assert plan.enrolment.per_day == 100
    assert plan.name == name_of('say "hi"') == "try-say-hi"
