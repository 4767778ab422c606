from __future__ import annotations

import re
from collections.abc import Callable

import lightgbm
import numpy as np
import pytest

from milepost.errors import BundleError
from milepost.training.booster_text import check_booster
from milepost.training.boosting import fit_boosting


@pytest.fixture(scope="module")
def text() -> str:
    random = np.random.default_rng(0)
    values = random.normal(size=(600, 3)).astype(np.float32)
    churned = (values[:, 0] + random.normal(size=600) > 0.5).astype(np.float64)
    return fit_boosting(values, churned, seed=1, threads=1, rounds=4).text


def swap(name: str, change: Callable[[str], str]) -> Callable[[str], str]:
    """Change the values of one line of the first tree, keeping the length of the tree right."""

    def swapped(text: str) -> str:
        line = re.search(rf"^{name}=(.*)$", text, re.MULTILINE)
        assert line is not None
        new = change(line.group(1))
        longer = len(new) - len(line.group(1))
        sizes = re.search(r"tree_sizes=(\d+)", text)
        assert sizes is not None
        out = text[: line.start(1)] + new + text[line.end(1) :]
        return out.replace(sizes.group(0), f"tree_sizes={int(sizes.group(1)) + longer}", 1)

    return swapped


def test_what_was_kept_is_all_that_lightgbm_needs(text: str) -> None:
    check_booster(text, 3)
    assert "num_threads" not in text
    assert lightgbm.Booster(model_str=text).num_trees() == 4


@pytest.mark.parametrize(
    "change",
    [
        swap("left_child", lambda line: "0" + line[line.index(" ") :]),
        swap("left_child", lambda line: "99" + line[line.index(" ") :]),
        swap("right_child", lambda line: "-99" + line[line.index(" ") :]),
        swap("split_feature", lambda line: "3" + line[1:]),
        swap("split_feature", lambda line: "-1" + line[1:]),
        swap("split_feature", lambda line: line[2:]),
        swap("leaf_value", lambda line: line[line.index(" ") + 1 :]),
        swap("num_leaves", lambda line: "1000000"),
        swap("num_leaves", lambda line: "-1"),
        swap("num_cat", lambda line: "1"),
        lambda text: text.replace("tree_sizes=", "tree_sizes=9"),
        lambda text: text.replace("objective=binary sigmoid:1", "objective=regression"),
        lambda text: text.replace("f0001", "f0009"),
        lambda text: text[: len(text) // 2],
        lambda text: text + "x",
        lambda text: "",
    ],
)
def test_a_booster_changed_by_hand_is_refused(text: str, change: Callable[[str], str]) -> None:
    assert change(text) != text
    with pytest.raises(BundleError, match="the booster cannot be used"):
        check_booster(change(text), 3)


def test_a_booster_over_other_columns_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match="does not fit the signals"):
        check_booster(text, 4)
