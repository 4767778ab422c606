from __future__ import annotations

import numpy as np
import pytest

from milepost.training import boosting
from milepost.training.boosting import fit_boosting


def data(rows: int = 1_500, columns: int = 12) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(4)
    values = random.normal(size=(rows, columns)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    odds = -1 + 2 * np.nan_to_num(values[:, 0])
    return values, (random.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.float64)


def test_one_two_and_four_threads_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boosting, "LARGE", 0)
    values, churned = data()
    texts = {fit_boosting(values, churned, seed=7, threads=threads, rounds=15).text for threads in (1, 2, 4)}
    assert len(texts) == 1


def test_fewer_rounds_are_the_same_booster_stopped_early() -> None:
    values, churned = data()
    long, short = (fit_boosting(values, churned, seed=7, threads=1, rounds=rounds) for rounds in (40, 10))
    np.testing.assert_array_equal(long.log_odds(values, 10), short.log_odds(values))
    assert (long.log_odds(values) != short.log_odds(values)).any()


def test_another_seed_gives_another_booster() -> None:
    values, churned = data()
    one, two = (fit_boosting(values, churned, seed=seed, threads=1, rounds=10).text for seed in (1, 2))
    assert one != two
