from __future__ import annotations

import numpy as np
import pytest

from milepost.demo.population import BEFORE_SHARE, populate
from milepost.demo.world import BURN_MONTHS, World, calendar

WORLD = World(accounts=4000, months=24, seed=1)


def test_dates_fit_together() -> None:
    dates = calendar(WORLD)
    people = populate(WORLD, dates)
    wait = (people.paid_us - people.created_us) / 86_400_000_000
    assert set(np.unique(wait)) == {0.0, 14.0}
    assert (wait[~people.converted] == 14).all()
    assert (people.paid_us >= dates.starts[people.paid_month]).all()
    assert (people.paid_us < dates.starts[people.paid_month + 1]).all()
    within = people.created_us >= dates.starts[0]
    assert (people.created_us[within] >= dates.starts[people.created_month[within]]).all()
    # the renewal in the first paid month is the start itself
    each = np.arange(people.count)
    assert np.array_equal(people.renewals(dates)[people.paid_month, each], people.paid_us)


def test_shares_of_the_population() -> None:
    people = populate(WORLD, calendar(WORLD))
    assert (people.paid_month < BURN_MONTHS).mean() == pytest.approx(BEFORE_SHARE, abs=0.03)
    assert (~people.converted).mean() == pytest.approx(0.08, abs=0.015)
    assert people.annual.mean() == pytest.approx(0.30, abs=0.03)
    shares = np.bincount(people.tier) / people.count
    assert shares == pytest.approx([0.45, 0.35, 0.20], abs=0.03)
    assert np.corrcoef(people.tier, people.size)[0, 1] == pytest.approx(0.55, abs=0.08)


def test_health_has_variance_one_and_lasts() -> None:
    health = populate(WORLD, calendar(WORLD)).health
    assert health.var() == pytest.approx(1.0, abs=0.05)
    # 40 % stays for good, the rest keeps .85 a month: .4 + .6 × .85
    assert np.corrcoef(health[10], health[11])[0, 1] == pytest.approx(0.91, abs=0.02)
