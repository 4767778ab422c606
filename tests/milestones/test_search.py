"""Thresholds on rows whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from milepost.importance.design import Design
from milepost.milestones.search import Search, SearchRules, find_threshold, search

ROWS = 4_000
RULES = SearchRules(draws=200)


def world(planted: float, seed: int = 1, accounts: int = ROWS) -> tuple[Design, np.ndarray, np.ndarray]:
    """A design without controls, a value from 0 to 10, and cells at 1, 2, … 9; the outcome turns at 5."""
    rng = np.random.default_rng(seed)
    value = rng.uniform(0, 10, ROWS)
    chance = np.where(value >= 5, 0.15, 0.15 + planted)
    missed = (rng.random(ROWS) < chance).astype(float)
    codes = np.arange(ROWS) % accounts
    design = Design(missed, codes, accounts, np.ones((ROWS, 1)), 0, None, np.zeros((ROWS, 0), int))
    return design, value, value[:, None] >= np.arange(1, 10)


def later(rows: int = ROWS) -> np.ndarray:
    return np.arange(rows) >= rows * 0.6


def test_the_planted_cell_is_found_and_confirmed() -> None:
    design, _, reached = world(0.2)
    found = find_threshold(design, reached, later(), RULES)
    assert found.search.cell == 4
    assert found.holds
    assert found.search.p == pytest.approx(1 / 201)
    assert found.search.agreement > 0.9
    assert found.effect.low < 20 < found.effect.high
    assert found.because == ""


def test_where_nothing_is_planted_nothing_holds() -> None:
    held = sum(find_threshold(*pick(world(0.0, seed)), later(), RULES).holds for seed in range(40))
    assert held <= 1


def pick(made: tuple[Design, np.ndarray, np.ndarray]) -> tuple[Design, np.ndarray]:
    return made[0], made[2]


def test_p_is_corrected_for_the_cells_that_were_looked_at() -> None:
    # the best of nine cells that do nothing: alone it would pass at 5 % far too often
    found = [search(*pick(world(0.0, seed)), RULES) for seed in range(120)]
    alone = np.mean([np.nanmax(each.z) > 1.645 for each in found])
    corrected = np.mean([each.cell is not None and each.p <= 0.05 for each in found])
    assert alone > 0.12
    assert corrected <= 0.11  # 5 %, and three standard errors


def test_what_later_rows_do_not_show_does_not_hold() -> None:
    design, _, reached = world(0.2)
    missed = design.churned.copy()
    missed[later()] = np.random.default_rng(5).permutation(missed[later()])
    found = find_threshold(Design(missed, *list(design.__dict__.values())[1:7]), reached, later(), RULES)
    assert found.search.cell == 4
    assert not found.holds
    assert "later accounts do not confirm it" in found.because


def test_a_cell_that_goes_the_other_way_is_none() -> None:
    design, _, reached = world(-0.14)
    found = find_threshold(design, reached, later(), RULES)
    assert not found.holds


def test_too_few_accounts_on_a_side_are_not_tried() -> None:
    design, value, _ = world(0.2)
    found = find_threshold(design, value[:, None] >= np.array([9.99, 20.0]), later(), RULES)
    assert found.search.cell is None
    assert found.because == "no cell has accounts enough on both sides"
    assert np.isnan(found.effect.effect)


def test_neighbours_count_as_near() -> None:
    design, _, reached = world(0.05)
    places = np.arange(9)
    alone = search(design, reached, RULES)
    near = search(design, reached, RULES, np.abs(places[:, None] - places) <= 1)
    assert alone.near == alone.agreement
    assert near.agreement == alone.agreement
    assert near.near > near.agreement


def test_rows_of_one_account_are_one_witness() -> None:
    design, _, reached = world(0.2)
    forty = Design(design.churned, np.arange(ROWS) % 40, 40, *list(design.__dict__.values())[3:7])
    assert search(forty, reached, SearchRules(least=5, draws=200)).tried == 9
    assert isinstance(search(forty, reached, SearchRules(least=41)), Search)
    assert search(forty, reached, SearchRules(least=41)).cell is None
