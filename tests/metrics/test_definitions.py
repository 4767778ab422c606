from __future__ import annotations

import pytest

from milepost.errors import InputError
from milepost.metrics.bridge import read_movements
from milepost.metrics.definitions import DEFINITIONS, explain
from milepost.metrics.retention import retention_rows


def test_every_figure_has_a_definition(by_hand):
    from datetime import date

    rows = retention_rows(read_movements(by_hand, date(2024, 1, 1), date(2024, 4, 1), 14), {}, 1)
    assert set(rows["metric"]) | {"renewal_rate", "cohort_retention"} <= set(DEFINITIONS)


def test_a_wrong_name_gets_the_nearest():
    with pytest.raises(InputError, match="did you mean 'renewal_rate'"):
        explain("renewals_rate")
