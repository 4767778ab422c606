from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.reporting.account_pack import FIELDS, MOST_ACCOUNTS, pack_accounts, timelines


def scores(accounts: int, **columns: Any) -> pd.DataFrame:
    """Accounts by falling risk, with three reasons and a next step of the usual length, all different."""
    places = np.arange(1, accounts + 1)
    reasons = {
        f"reason_{n}": [
            f"Raises the risk: uses of feature {(place * n) % 60} a day observed, last 84 days: {place / 7:.3g} "
            f"(retained accounts usually {n})"
            for place in places
        ]
        for n in (1, 2, 3)
    }
    return pd.DataFrame({
        "account_id": [f"account-{place:07d}" for place in places], "churn_risk": 1 / (places + 1), "risk_rank": places,
        "risk_band": "low", "plan": "team", "seats": 12.0, "mrr": 120.5, "expected_loss": 120.5 / (places + 1),
        "level_automation": "mature", "level_reporting": None, "mature_categories": 1, "milestone": "setup",
        "next_step": [f"Start with feature {place % 60}: 3 of 5" for place in places], "scored_by": "model",
    } | reasons | columns)  # fmt: skip


def unpack(text: str) -> list[dict[str, Any]]:
    """The accounts as the script sees them, with words in place of their numbers."""
    body = json.loads(text)
    rows = [dict(zip(body["fields"], row, strict=True)) for row in body["rows"]]
    for row in rows:
        row |= {name: None if row[name] is None else body["words"][row[name]] for name in body["texts"]}
    return rows


def test_an_account_comes_back_whole() -> None:
    packed = pack_accounts(scores(2, segment=["retail", None], utilized=[True, None]), None)
    first, second = unpack(packed.json)
    assert tuple(first) == FIELDS
    assert (first["id"], first["place"], first["risk"], first["band"]) == ("account-0000001", 1, 0.5, "low")
    assert (first["plan"], first["mrr"], first["loss"], first["seats"]) == ("team", 120.5, 60.25, 12)
    assert (first["levels"], first["mature"], first["milestone"]) == ("m-", 1, "setup")
    assert (first["segment"], second["segment"], first["route"]) == ("retail", None, None)
    assert (first["utilized"], second["utilized"], first["setup"]) == (1, None, None)
    assert not packed.routed
    assert pack_accounts(scores(1, route=["serve"]), None).routed


def test_reasons_come_back_as_they_were() -> None:
    frame = scores(3)
    body = json.loads(pack_accounts(frame, None).json)
    reasons, step, because, others = body["details"][1]
    said = [": ".join(body["words"][place] for place in pair) for pair in reasons]
    assert said == [frame[f"reason_{n}"].iloc[1] for n in (1, 2, 3)]
    assert (body["words"][step], because, others) == ("Start with feature 2: 3 of 5", None, None)


def test_size_is_kept_and_said() -> None:
    small = pack_accounts(scores(1000), None, most_bytes=60_000)
    assert len(small.json) < 61_000
    assert 0 < small.shown < 1000  # not even the rows fit
    assert small.detailed == 0
    middle = pack_accounts(scores(1000), None, most_bytes=150_000)
    assert middle.shown == 1000
    assert 0 < middle.detailed < 1000
    assert len(middle.json) < 151_000


def test_no_more_than_ten_thousand_accounts() -> None:
    many = scores(100).loc[np.tile(np.arange(100), 150)].assign(risk_rank=np.arange(1, 15_001))
    packed = pack_accounts(many, None)
    assert (MOST_ACCOUNTS, packed.shown) == (10_000, 10_000)


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--", "\u2028", "a\u202eb", "x" * 10_000])
def test_no_text_can_end_the_script_element(text: str) -> None:
    frame = scores(2, account_id=[text, f"{text}2"], plan=text, reason_1=text, next_step=text)
    packed = pack_accounts(frame.assign(**{f"level_{text}": "basic"}), None).json
    assert not set(packed) & set("<>&\u2028\u2029\u202e")
    assert len(packed) < 6_000
    assert len(json.loads(packed)["rows"]) == 2


def test_timelines_by_hand() -> None:
    days = pd.to_datetime(["2024-01-01", "2024-02-01"])
    states = pd.DataFrame({
        "account_id": ["a", "a", "b", "z"], "snapshot_date": [days[0], days[1], days[1], days[0]],
        "milestone": ["none", "activation", "maturity", "setup"],
    })  # fmt: skip
    dates, paths = timelines(states, np.array(["b", "a", "c"]))
    assert dates == ["2024-01-01", "2024-02-01"]
    assert paths == [".4", "02", ".."]
    assert timelines(None, np.array(["a"])) == ([], [""])
