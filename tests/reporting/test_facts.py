from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from milepost.maturity.curves import CurvePoint
from milepost.reporting.facts import plain_sentences, quietest
from milepost.reporting.summary import Plainly

AS_OF, WINDOW = date(2024, 7, 1), (date(2024, 7, 8), date(2024, 8, 4))  # a gap of 7 days, 28 of outcome
RETAINED = CurvePoint(0, 211, 38, 0.976, 0.93, 0.992)


def running() -> pd.DataFrame:
    """Four accounts: b is quiet, a and b end their term within the window, d the day after it."""
    return pd.DataFrame({
        "account_id": list("abcd"), "plan": "team", "seats": 5.0, "mrr": [100.0, 200.0, np.nan, 400.0],
        "tenure_days": 90.0, "days_since_last_use": [0.5, 14.0, 13.9, 1.0], "days_to_term_end": [7.0, 34.9, 6.9, 35.0],
        "features_used": [2, 4, 6, 8],
    })  # fmt: skip


def told(frame: pd.DataFrame, retained: CurvePoint | None = RETAINED) -> list[str]:
    return plain_sentences(Plainly(retained, frame, 25), AS_OF, WINDOW, gap_days=7)


def test_every_sentence_by_hand() -> None:
    assert told(running()) == [
        "Of 211 rows with a known outcome (38 accounts, each seen at several dates) 97.6 % were retained (95 % "
        "interval 93.0 % to 99.2 %, by account).",
        "4 accounts run on 2024-07-01, paying 700 MRR.",
        "1 of them had no event in the last 14 days, paying 200 MRR.",
        "2 of them have a term that ends from 2024-07-08 to 2024-08-04, paying 300 MRR.",
        "The account in the middle uses 5 of 25 features; nine in ten use 3 or more, one in ten 7 or more.",
    ]


def test_what_is_not_known_is_not_said() -> None:
    bare = running().assign(mrr=np.nan, days_to_term_end=np.nan)
    assert told(bare, None)[:2] == ["4 accounts run on 2024-07-01.", "1 of them had no event in the last 14 days."]
    assert not [sentence for sentence in told(bare, None) if "term" in sentence or "retained" in sentence]
    assert told(running().iloc[:0], None) == ["No account runs on 2024-07-01."]


def test_the_quietest_come_first() -> None:
    assert [row["account_id"] for row in quietest(Plainly(None, running(), 25))] == ["b", "c", "d", "a"]
    assert len(quietest(Plainly(None, pd.concat([running()] * 100), 25))) == 200
