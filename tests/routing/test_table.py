"""The table says the same as the decisions, in names and words."""

from datetime import date

import pandas as pd

from milepost.framework import Proven
from milepost.routing.decide import route_accounts
from milepost.routing.memory import CONTACT_COLUMNS, Memory, no_memory
from milepost.routing.table import COLUMNS, contacts_made, decisions

from .conftest import FLAG, OWNER, accounts_of, rules_of

DAY = date(2024, 4, 1)


def table_of(frame, memory=None, proven=(), **settings):
    found = route_accounts(frame, rules_of(frame, **settings), memory or no_memory(), DAY, proven)
    return decisions(found, frame), found


def test_every_decision_names_flag_version_evidence_and_date():
    frame = accounts_of(churn_risk=[0.05, 0.001], plan=["pro", "plus"])
    table, found = table_of(frame)
    assert list(table.columns) == COLUMNS
    assert table["snapshot_date"].unique().tolist() == [pd.Timestamp(DAY)]
    assert table["rule_version"].unique().tolist() == [found.rules.version]
    first, second = table.to_dict("records")
    assert (first["route"], first["flag"], first["evidence"]) == ("serve", "at_risk", "expected_loss 50")
    assert (first["hours"], first["contacted_on"], first["raised_on"]) == (1.0, pd.Timestamp(DAY), pd.Timestamp(DAY))
    assert (first["saving_basis"], first["expected_saving"]) == ("assumed", 5.0)
    assert (second["route"], second["evidence"], second["hours"]) == ("self_serve", "", 0.0)
    assert pd.isna([second["flag"], second["saving_basis"], second["expected_saving"]]).all()


def test_what_is_measured_has_its_bounds():
    frame = accounts_of(churn_risk=[0.05, 0.15])
    proven = (Proven("inbox", "calls", "retention", 4.0, 1.0, 7.0, DAY),)
    table, _ = table_of(frame, proven=proven, flags=[{**FLAG, "experiment": "calls"}])
    assert table["saving_basis"].tolist() == ["measured", "measured"]
    # four points in the mean of two accounts of 1000 MRR
    assert round(table["expected_saving"].sum(), 3) == 80.0
    assert (round(table["saving_low"].sum(), 3), round(table["saving_high"].sum(), 3)) == (20.0, 140.0)


def test_reasons_say_why_a_flag_leads_no_further():
    rows = [("a00", "2024-03-20", "success", "at_risk", 60), ("a01", "2024-03-10", "success", "at_risk", 60)]
    past = pd.DataFrame(rows, columns=CONTACT_COLUMNS).assign(contacted_on=lambda f: pd.to_datetime(f["contacted_on"]))
    frame = accounts_of(churn_risk=[0.05] * 5, mrr=[1000, 1000, 1000, 400, 50]).assign(expected_loss=50.0)
    table, _ = table_of(frame, Memory(no_memory().flags, past), price_floor=100.0, owners=[{**OWNER, "hours": 1}])
    assert table["reason"].tolist() == [
        "revenue is at risk; in contact since 2024-03-20",
        "revenue is at risk; contact limit: last on 2024-03-10",
        "revenue is at risk",
        "revenue is at risk; no hours left",
        "revenue is at risk; below the price floor: one to many",
    ]
    assert table["state"].tolist() == ["in_contact", "contact_limit", "contact", "no_hours", "price_floor"]


def test_contacts_that_later_dates_look_back_on():
    frame = accounts_of(churn_risk=[0.05, 0.04, 0.03])
    _, found = table_of(frame, owners=[{**OWNER, "where": "mrr > 1"}])
    made = contacts_made(found)
    assert made["account_id"].tolist() == ["a00", "a01"]
    assert made["pool"].unique().tolist() == ["success: mrr > 1"]
    assert made["minutes"].tolist() == [60, 60]
