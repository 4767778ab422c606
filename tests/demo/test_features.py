from __future__ import annotations

from collections import Counter

from milepost.demo.features import (
    CATEGORIES,
    CONVERSATION_FEATURES,
    DRIVER,
    FEATURES,
    HARMFUL,
    MEDIATOR,
    NICHE_DRIVER,
    NICHE_PREMIUM,
    POSITION,
    PROXY,
    RELEVANT,
    ROLES,
    UBIQUITOUS,
    VALUE_EVENT,
    catalogue_rows,
)
from milepost.signals.catalogue import COLUMNS


def test_roles_are_there_in_number() -> None:
    count = Counter(feature.role for feature in FEATURES)
    assert len(FEATURES) >= 60
    assert set(count) == set(ROLES)
    assert 12 <= count[DRIVER] <= 15
    assert (count[UBIQUITOUS], count[NICHE_PREMIUM], count[NICHE_DRIVER], count[PROXY]) == (5, 5, 3, 6)
    assert (count[MEDIATOR], count[HARMFUL]) == (3, 2)


def test_every_category_has_drivers_to_keep() -> None:
    relevant = Counter(f.category for f in FEATURES if f.role == DRIVER)
    assert all(relevant[category] >= 2 for category in CATEGORIES)
    assert sum(relevant[category] >= 3 for category in CATEGORIES) >= 2


def test_only_drivers_and_harmful_features_act_by_themselves() -> None:
    assert all(f.log_odds < 0 for f in FEATURES if f.role in (DRIVER, NICHE_DRIVER))
    assert all(f.log_odds > 0 for f in FEATURES if f.role == HARMFUL)
    assert all(f.log_odds == 0 for f in FEATURES if f.role not in (DRIVER, NICHE_DRIVER, HARMFUL))


def test_chains_lead_from_a_setup_step_to_a_driver_and_from_a_driver_to_a_proxy() -> None:
    for feature in FEATURES:
        if feature.parent:
            parent = FEATURES[POSITION[feature.parent]]
            assert (parent.role, feature.role) in {(MEDIATOR, DRIVER), (DRIVER, PROXY)}
            assert feature.pull > 0
    mediators = {f.name for f in FEATURES if f.role == MEDIATOR}
    assert {f.parent for f in FEATURES if f.role == DRIVER} - {""} == mediators
    assert all(FEATURES[POSITION[name]].setup_step for name in mediators)


def test_seven_setup_steps_count_from_one() -> None:
    assert sorted(f.setup_step for f in FEATURES if f.setup_step) == [1, 2, 3, 4, 5, 6, 7]


def test_event_names_belong_to_one_feature() -> None:
    names = [name for feature in FEATURES for name in feature.events.split("|")]
    assert len(set(names)) == len(names)
    assert len(POSITION) == len(FEATURES)
    assert VALUE_EVENT in names
    assert set(CONVERSATION_FEATURES) <= set(POSITION)


def test_catalogue_rows_have_the_catalogue_s_columns() -> None:
    rows = catalogue_rows({"custom_reports": "2024-11-01"})
    assert all(tuple(row) == COLUMNS for row in rows)
    by_name = {row["feature"]: row for row in rows}
    assert by_name["custom_reports"]["launched_at"] == "2024-11-01"
    assert by_name["custom_reports"]["plan"] == "growth|premium"
    assert by_name["messenger"]["launched_at"] == ""
    assert "log_odds" not in rows[0], "truth stays out of the catalogue"
    assert "role" not in rows[0]
    assert RELEVANT == (DRIVER, NICHE_DRIVER, MEDIATOR)
