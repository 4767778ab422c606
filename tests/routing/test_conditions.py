"""Conditions say what they seem to say, the unknown decides nothing, and nothing is ever run."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import SettingsError
from milepost.routing.conditions import amounts, check_columns, columns_of, holds, parse

FRAME = pd.DataFrame({
    "mrr": [50.0, 500.0, np.nan, 5000.0], "plan": ["pro", "plus", None, "pro"], "utilized": [True, False, None, True],
    "setup_on": pd.to_datetime(["2024-01-02", None, None, "2024-03-01"]), "account.rating": [4.5, np.nan, 2.0, 3.0],
    "odd name": [1.0, 2.0, 3.0, 4.0],
})  # fmt: skip
COLUMNS = columns_of(FRAME)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mrr >= 500", [False, True, False, True]),
        ("not mrr >= 500", [True, False, False, False]),
        ("mrr > 100 and plan == 'pro'", [False, False, False, True]),
        ("mrr > 100 or plan == 'pro'", [True, True, False, True]),
        ("100 < mrr <= 500", [False, True, False, False]),
        ("plan in ['plus', 'max']", [False, True, False, False]),
        ("plan not in ['plus', 'max']", [True, False, False, True]),
        ("mrr in [50, 5000]", [True, False, False, True]),
        ("plan != 'pro'", [False, True, False, False]),
        ("utilized == 1", [True, False, False, True]),
        ("known(setup_on)", [True, False, False, True]),
        ("not known(mrr)", [False, False, True, False]),
        ("account.rating < 4", [False, False, True, True]),
        ("column('odd name') * 2 - 1 >= 5", [False, False, True, True]),
        ("mrr / (column('odd name') - 1) > 400", [False, True, False, True]),
        ("-mrr < -60", [False, True, False, True]),
        ("setup_on >= '2024-02-01'", None),
    ],
)
def test_where_a_condition_holds(text, expected):
    expression = parse(text, "here")
    if expected is None:
        with pytest.raises(SettingsError, match="compared by == or in"):
            holds(expression, COLUMNS, 4)
    else:
        assert holds(expression, COLUMNS, 4).tolist() == expected


def test_unknown_is_neither_and_or_can_still_decide():
    assert holds(parse("mrr > 1 or account.rating == 2", "here"), COLUMNS, 4)[2]
    assert not holds(parse("mrr > 1 and account.rating == 2", "here"), COLUMNS, 4)[2]
    assert not holds(parse("not (mrr > 1 and account.rating == 2)", "here"), COLUMNS, 4)[2]
    assert holds(parse("not (mrr > 1 and account.rating == 9)", "here"), COLUMNS, 4)[2]


def test_amounts_are_unknown_where_they_are_not_finite():
    assert amounts(parse("mrr / 0", "here"), COLUMNS, 4).tolist() == pytest.approx([np.nan] * 4, nan_ok=True)
    assert amounts(parse("mrr * 0.02", "here"), COLUMNS, 4).tolist() == pytest.approx([1, 10, np.nan, 100], nan_ok=True)
    assert amounts(parse("7", "here"), COLUMNS, 4).tolist() == [7, 7, 7, 7]


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('x')", "mrr.__class__ == 1", "(lambda: 1)()", "[x for x in mrr]", "mrr ** 9", "open('x')",
     "mrr if plan else 1", "f'{mrr}' == 'x'", "mrr @ mrr > 1", "exec('1')", "known(1)", "plan > 'a'", "mrr and plan",
     "mrr", "plan in mrr", "mrr in ['a']", "plan in [1]", "mrr is None", "plan == 1", "mrr == 'pro'"],
)  # fmt: skip
def test_what_is_no_condition_is_refused_and_never_run(text):
    with pytest.raises(SettingsError, match=r"not understood|no column") as caught:
        holds(parse(text, "flag 'x', when"), COLUMNS, 4)
    assert caught.value.line.startswith("error[SETTINGS] flag 'x', when: ")


@pytest.mark.parametrize("text", ["mrr >", "", "a b", "x" * 501, "(" * 400, "mrr = 3"])
def test_text_that_cannot_be_read_is_refused(text):
    with pytest.raises(SettingsError, match=r"cannot read|an expression of 501 characters"):
        parse(text, "flag 'x', when")


def test_an_unknown_column_is_named_with_the_nearest_right_one():
    with pytest.raises(SettingsError, match="flag 'x': no column 'mmr'; did you mean 'mrr'"):
        check_columns(parse("mmr > 3", "flag 'x'"), set(COLUMNS))
    named = parse("account.rating < 3 and mrr > 1 and column('odd name') > 2", "here").columns
    assert sorted(named) == ["account.rating", "mrr", "odd name"]


@given(st.text(alphabet="mrplan()[]'<>=.andornt 0123456789*+-/,_", max_size=40))
def test_any_text_is_worked_out_or_refused_in_one_line(text):
    refused = ""
    try:
        assert holds(parse(text, "here"), COLUMNS, 4).shape == (4,)
    except SettingsError as error:
        refused = error.line
    assert "\n" not in refused
