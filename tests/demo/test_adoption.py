from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from milepost.demo.adoption import Scene, _intercept, adopt, draw, gated, habits
from milepost.demo.billing import plan_path
from milepost.demo.features import FEATURES, POSITION, PROXY, UBIQUITOUS
from milepost.demo.population import populate
from milepost.demo.world import BURN_MONTHS, Flags, World, calendar

DRIVERS_CHILD = POSITION["workflow_templates"]


def scene(kind: str = "standard") -> Scene:
    world = World(accounts=600, months=12, seed=5, kind=kind)
    dates = calendar(world)
    people = populate(world, dates)
    tiers = plan_path(world, dates, people)
    everyone = np.ones(tiers.shape, bool)
    sold = {"ai_agent": everyone, "phone": ~everyone, "beta_copilot": everyone}
    launch = dates.last - 2 if world.knobs.late_launch else None
    return Scene(world, dates, people, tiers, gated(tiers, people, sold, launch), draw(world, dates, people))


@pytest.fixture(scope="module")
def standard() -> Scene:
    return scene()


@pytest.fixture(scope="module")
def used(standard: Scene) -> Flags:
    return adopt(standard)


def test_habit_is_use_in_any_of_the_three_months_before() -> None:
    used = np.zeros((7, 1, 1), bool)
    used[1] = True
    assert habits(used)[:, 0, 0].tolist() == [False, False, True, True, True, False, False]


def test_nothing_is_used_without_access_or_before_the_account_exists(standard: Scene, used: Flags) -> None:
    assert not (used & ~standard.access).any()
    when = np.arange(len(used))[:, None]
    assert not used[when < standard.people.created_month].any()
    assert not used[:, :, POSITION["voice_calls"]].any()


def test_a_gated_feature_needs_the_plan_at_both_ends_of_the_month(standard: Scene) -> None:
    place = POSITION["single_sign_on"]
    month, account = np.nonzero(standard.access[:, :, place])
    assert len(month) > 100
    assert (standard.tiers[month, account] == 2).all()
    assert (standard.tiers[month - 1, account] == 2).all()
    assert (month > standard.people.paid_month[account]).all()


def test_planned_shares_come_about(standard: Scene, used: Flags) -> None:
    running = standard.access & (np.arange(len(used))[:, None] > standard.people.created_month + 6)[:, :, None]
    for place, feature in enumerate(FEATURES):
        if running[:, :, place].sum() > 2000 and not feature.once:
            share = habits(used)[:, :, place][running[:, :, place]].mean()
            assert abs(share - feature.planned) < 0.12, feature.name
        if feature.role == UBIQUITOUS:
            assert used[:, :, place][running[:, :, place]].mean() > 0.95


def test_proxies_go_with_their_parents(standard: Scene, used: Flags) -> None:
    for place, feature in enumerate(FEATURES):
        if feature.role == PROXY:
            parent = used[BURN_MONTHS:, :, POSITION[feature.parent]]
            child = used[BURN_MONTHS:, :, place]
            assert child[parent].mean() > 0.55, feature.name
            assert child[~parent].mean() < 0.2, feature.name


def test_the_intercept_gives_the_planned_share() -> None:
    alone = FEATURES[POSITION["shop_orders"]]
    assert ndtr(_intercept(alone, 0.0)) == pytest.approx(0.30)
    child = FEATURES[DRIVERS_CHILD]  # planned .34, parent planned .40
    start = _intercept(child, 0.0)
    assert 0.4 * ndtr(start + child.pull) + 0.6 * ndtr(start) == pytest.approx(0.34)


def test_an_intervention_moves_the_feature_and_those_behind_it_only(standard: Scene, used: Flags) -> None:
    step, driver, other = POSITION["publish_articles"], POSITION["help_center"], POSITION["macros"]
    everybody, nobody = adopt(standard, {"publish_articles": True}), adopt(standard, {"publish_articles": False})
    assert np.array_equal(everybody[:, :, step], standard.access[:, :, step])
    assert not nobody[:, :, step].any()
    assert everybody[:, :, driver].mean() > used[:, :, driver].mean() + 0.05
    assert nobody[:, :, driver].mean() < used[:, :, driver].mean() - 0.05
    assert np.array_equal(everybody[:, :, other], used[:, :, other])


def test_bundles_are_wanted_together() -> None:
    def together(kind: str) -> float:
        wish = scene(kind).draws.wish
        return float(np.corrcoef(wish[:, POSITION["audit_log"]], wish[:, POSITION["sandbox"]])[0, 1])

    assert together("standard") < 0.4
    assert together("bundles") > 0.75


def test_hidden_health_is_followed_only_where_the_world_says_so() -> None:
    def gap(kind: str, feature: str) -> float:
        here = scene(kind)
        health = here.people.health[-1]
        used = adopt(here)[-1, :, POSITION[feature]]
        return float(health[used].mean() - health[~used].mean())

    assert gap("confounded", "chat_apps") > 0.6
    assert abs(gap("no_effect", "chat_apps")) < 0.25
    assert abs(gap("confounded", "shop_orders")) < 0.4
    assert (scene("no_effect").draws.health_load == 0).all()


def test_a_late_feature_has_no_access_before_its_launch() -> None:
    late = scene("late_launch")
    launch, place = late.calendar.last - 2, POSITION["custom_reports"]
    assert not late.access[:launch, :, place].any()
    assert late.access[launch:, :, place].any()
