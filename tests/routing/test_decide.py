"""Who gets a person: hand-worked cases, and what holds for whatever accounts and dates there are."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.errors import SettingsError
from milepost.routing.decide import route_accounts
from milepost.routing.memory import Memory, no_memory
from milepost.routing.table import contacts_made, decisions

from .conftest import FLAG, OWNER, accounts_of, rules_of

DAY = date(2024, 4, 1)
SELF = {"name": "by_itself", "when": "plan == 'free'", "route": "self_serve", "priority": 10, "reason": "free plan"}


def routed(frame, ready, memory=None, day=DAY, proven=()):
    return route_accounts(frame, ready, memory or no_memory(), day, proven)


def states(frame, ready, **others):
    return routed(frame, ready, **others).state.tolist()


def after(ready, found, memory):
    """What the next date remembers."""
    made = contacts_made(found)
    contacts = made if memory.contacts.empty else pd.concat([memory.contacts, made], ignore_index=True)
    return Memory(found.raised.frame(found.accounts, ready), contacts)


def test_two_hours_go_to_the_two_that_save_most():
    frame = accounts_of(churn_risk=[0.05, 0.30, 0.01, 0.10], mrr=[1000, 100, 9000, 500])
    found = routed(frame, rules_of(frame))
    # a contact saves a tenth of 50, 30, 90 and 50: of the two equal ones the first account
    assert found.state.tolist() == ["contact", "no_hours", "contact", "no_hours"]
    assert found.route.tolist() == ["serve", "self_serve", "serve", "self_serve"]
    (pool,) = found.pools
    assert (pool.candidates, pool.chosen.value, pool.chosen.minutes) == (4, pytest.approx(14.0), 120)
    # a third and fourth hour would go to 50 and 30
    assert pool.another == pytest.approx(8.0)


def test_one_more_person_brings_the_hours_of_one():
    frame = accounts_of(churn_risk=[0.05, 0.30, 0.01, 0.10], mrr=[1000, 100, 9000, 500])
    ready = rules_of(frame, owners=[{**OWNER, "people": 2}])
    assert routed(frame, ready).pools[0].another == pytest.approx(5.0)


def test_the_first_flag_by_priority_leads_and_self_service_may_come_first():
    frame = accounts_of(churn_risk=[0.05, 0.05, 0.001], plan=["free", "pro", "free"])
    ready = rules_of(frame, flags=[FLAG, SELF])
    found = routed(frame, ready)
    assert found.state.tolist() == ["rule", "contact", "rule"]
    table = decisions(found, frame)
    assert table["flag"].tolist() == ["by_itself", "at_risk", "by_itself"]
    assert table["flags"].tolist() == ["by_itself; at_risk", "at_risk", "by_itself"]
    assert table["evidence"].tolist() == ["plan free", "expected_loss 50", "plan free"]


def test_below_the_price_floor_nobody_reaches_out_but_for_flags_of_any_price():
    frame = accounts_of(churn_risk=[0.9, 0.9, 0.9], mrr=[99, 100, np.nan], asked=[0.0, 0.0, 0.0])
    frame["expected_loss"] = 90.0
    assert states(frame, rules_of(frame, price_floor=100.0)) == ["price_floor", "contact", "contact"]
    asked = {**FLAG, "name": "asked", "when": "asked >= 1", "until": "", "priority": 90, "any_price": True}
    ready = rules_of(frame.assign(asked=1.0), price_floor=100.0, flags=[FLAG, asked], owners=[{**OWNER, "hours": 9}])
    found = decisions(routed(frame.assign(asked=1.0), ready), frame)
    assert found["flag"].tolist() == ["asked", "at_risk", "at_risk"]


def test_hours_are_per_owner_and_segment():
    frame = accounts_of(churn_risk=[0.05] * 4, plan=["pro", "pro", "plus", "free"])
    owners = [{"name": "success", "hours": 1, "where": "plan == 'pro'"},
              {"name": "success", "hours": 5, "where": "plan == 'plus'"}]  # fmt: skip
    found = routed(frame, rules_of(frame, owners=owners))
    assert found.state.tolist() == ["contact", "no_hours", "contact", "no_owner"]
    assert [pool.label for pool in found.pools] == ["success: plan == 'pro'", "success: plan == 'plus'"]


def test_a_person_stays_then_rests_then_may_come_again():
    """Contact on day 0; with the account until day 13; not again before day 30."""
    frame = accounts_of(churn_risk=[0.05])
    ready, memory, seen = rules_of(frame), no_memory(), []
    for day in range(32):
        found = routed(frame, ready, memory, DAY + timedelta(days=day))
        memory = after(ready, found, memory)
        seen.append(found.state[0])
    assert seen[0] == "contact"
    assert seen[1:14] == ["in_contact"] * 13
    assert seen[14:30] == ["contact_limit"] * 16
    assert seen[30:] == ["contact", "in_contact"]


def test_no_more_than_so_many_contacts():
    frame = accounts_of(churn_risk=[0.05])
    ready = rules_of(frame, serve_days=1, between_days=2, max_contacts=2, within_days=20)
    memory, days = no_memory(), []
    for day in range(41):
        found = routed(frame, ready, memory, DAY + timedelta(days=day))
        memory = after(ready, found, memory)
        days += [day] if found.contacted[0] else []
    assert days == [0, 2, 20, 22, 40]


def test_an_account_in_contact_keeps_the_flag_of_its_contact():
    frame = accounts_of(churn_risk=[0.05], plan=["pro"])
    ready = rules_of(frame, flags=[FLAG, SELF])
    memory = after(ready, routed(frame, ready), no_memory())
    later = frame.assign(plan="free", expected_loss=0.0)
    table = decisions(routed(later, ready, memory, DAY + timedelta(days=3)), later)
    assert table[["route", "contact", "flag", "owner", "state"]].values.tolist() == [
        ["serve", False, "at_risk", "success", "in_contact"]
    ]
    assert table["reason"].item() == "revenue is at risk; in contact since 2024-04-01"


def test_in_a_world_without_mrr_nothing_is_saved_and_hours_go_by_priority_then_account():
    frame = accounts_of(churn_risk=[0.1] * 4, mrr=[np.nan] * 4, asked=[0, 1, 1, 1])
    flags = [{**FLAG, "when": "churn_risk > 0", "until": ""},
             {**FLAG, "name": "asked", "when": "asked == 1", "until": "", "priority": 5}]  # fmt: skip
    found = routed(frame, rules_of(frame, flags=flags))
    assert found.state.tolist() == ["no_hours", "contact", "contact", "no_hours"]
    assert found.pools[0].chosen.value == 0


def test_where_no_flag_is_raised_everybody_helps_itself():
    frame = accounts_of(churn_risk=[0.001, 0.002])
    table = decisions(routed(frame, rules_of(frame)), frame)
    assert table["route"].tolist() == ["self_serve", "self_serve"]
    assert table["reason"].tolist() == ["no flag is raised"] * 2
    assert table["flag"].isna().all()


def test_every_route_has_self_help_beside_it():
    frame = accounts_of(churn_risk=[0.05, 0.0], next_step=["Start with 'macros'", None])
    table = decisions(routed(frame, rules_of(frame, open_channels=["community", "email"])), frame)
    assert table["self_help"].tolist() == ["Start with 'macros' (community, email)", "community, email"]
    assert table["channel"].tolist() == ["person", "community"]


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"flags": [{**FLAG, "when": "mmr > 1"}]}, "flag 'at_risk', when: no column 'mmr'; did you mean 'mrr'?"),
        ({"flags": [{**FLAG, "owner": "sucess"}]}, "flag 'at_risk': no owner 'sucess'; did you mean 'success'?"),
        ({"owners": [{**OWNER, "where": "pln == 'a'"}]}, "owner 'success', where: no column 'pln'"),
        ({"flags": [FLAG, FLAG]}, "flag 'at_risk' stands twice"),
        ({"owners": []}, "nobody has hours to reach out; add [[routing.owners]]"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_are_refused_in_one_line(settings_, message):
    with pytest.raises(SettingsError) as caught:
        rules_of(accounts_of(churn_risk=[0.1]), **settings_)
    assert message in caught.value.line


WORLD = st.lists(
    st.lists(st.tuples(st.floats(0, 0.6), st.integers(0, 5000)), min_size=6, max_size=6), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(WORLD, st.integers(1, 9), st.floats(0.5, 4), st.integers(1, 3))
def test_capacity_contact_limits_and_rest_hold_on_any_history(world, step, hours, most):
    """Six accounts over dates `step` days apart, risks and MRR anew on every date."""
    flags = [FLAG, {**FLAG, "name": "small", "when": "churn_risk > 0.3", "until": "", "priority": 5, "hours": 0.4}]
    limits = {"serve_days": 6, "between_days": 11, "max_contacts": most, "within_days": 40, "period_days": 10}
    memory, contacts, routes = no_memory(), [], []
    for place, rows in enumerate(world):
        frame = accounts_of(churn_risk=[row[0] for row in rows], mrr=[row[1] for row in rows])
        ready = rules_of(frame, flags=flags, owners=[{**OWNER, "hours": hours}], **limits)
        found = routed(frame, ready, memory, DAY + timedelta(days=step * place))
        again = routed(frame.iloc[::-1].reset_index(drop=True), ready, memory, DAY + timedelta(days=step * place))
        assert found.state.tolist() == again.state[::-1].tolist()
        assert set(found.route) <= {"serve", "self_serve"}
        assert found.raised.up[found.contacted].any(axis=1).all()
        made = contacts_made(found)
        contacts += [(step * place, *row) for row in made[["account_id", "minutes"]].itertuples(index=False)]
        routes.append(found.served)
        memory = after(ready, found, memory)
    table = pd.DataFrame(contacts, columns=["day", "account_id", "minutes"])
    for day in range(step * len(world)):
        assert table.loc[table["day"].between(day, day + 9), "minutes"].sum() <= round(hours * 60)
    for _, days in table.groupby("account_id")["day"]:
        assert (days.diff().dropna() >= 11).all()
        assert max(days.between(day, day + 39).sum() for day in days) <= most
    # no flapping: after it ends, a person does not come back before the rest is over
    for path in np.array(routes).T:
        ends = [place for place in range(1, len(path)) if path[place - 1] and not path[place]]
        for end in ends:
            back = [place for place in range(end, len(path)) if path[place]]
            assert not back or (back[0] - end) * step > 11 - 6 - step
