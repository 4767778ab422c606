"""From somebody's CSV files to the page with one edit, by the README alone: raw events with four churned accounts, and
daily counts with 240.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.skipif("MILEPOST_TEST_DATA" not in os.environ, reason="needs MILEPOST_TEST_DATA")


def set_up(milepost, tmp_path, files, events):
    """`milepost init`, and the one edit: the value event that it proposes is taken."""
    ran = milepost("init", tmp_path / "acme", "--events", files / events, "--accounts", files / "accounts.csv",
                   "--subscriptions", files / "subscriptions.csv.gz")  # fmt: skip
    assert ran.exit_code == 0, ran.stderr
    settings = tmp_path / "acme" / "milepost.toml"
    text = settings.read_text(encoding="utf-8")
    assert text.count('# value_events = ["win_opportunity"]') == 1
    settings.write_text(text.replace("# value_events", "value_events"), encoding="utf-8")
    return settings


def paying_at(path, day):
    """Accounts with a base plan on a day, and what all items of them pay."""
    rows = pd.read_csv(path, parse_dates=["start_date", "end_date"])
    rows = rows[(rows["start_date"] < day) & ~(rows["end_date"] < day)]
    base = rows[rows["units"] == "users"]["account_id"].unique()
    return len(base), rows.loc[rows["account_id"].isin(base), "mrr"].sum()


def test_four_churned_accounts_give_a_page_that_says_what_can_be_said(milepost, tmp_path):
    files = Path(os.environ["MILEPOST_TEST_DATA"]) / "crm5_raw"
    settings = set_up(milepost, tmp_path, files, "events.csv.gz")
    told = milepost("doctor", "-c", settings)
    assert "missing ranking, model, scores    4 of 50 accounts churned" in told.stdout
    ran = milepost("run", "-c", settings)
    assert ran.exit_code == 1
    page = (settings.parent / "out" / "report" / "report.html").read_text(encoding="utf-8")
    accounts, mrr = paying_at(files / "subscriptions.csv.gz", pd.Timestamp("2022-06-30"))
    assert f"{accounts} accounts run on 2022-06-30, paying {mrr:,.0f} MRR." in page
    assert page.count("Not computed in this run: ") >= 5
    assert "whether they are about to leave, these data do not say" in page
    assert "inside, but too few accounts on one side" in page
    assert "used by few" not in page
    for claim in ("at high risk", "reaches AUC", "are mature in"):
        assert claim not in page


@pytest.mark.long
def test_daily_counts_give_the_whole_page(milepost, tmp_path):
    files = Path(os.environ["MILEPOST_TEST_DATA"]) / "crm5"
    settings = set_up(milepost, tmp_path, files, "usage_daily.csv.gz")
    ran = milepost("run", "-c", settings)
    assert ran.exit_code == 0, ran.stderr
    ranking = pd.read_parquet(settings.parent / "out" / "ranking" / "ranking.parquet").set_index("feature")
    print(ranking[["verdict", "effect", "low", "high"]].head(3))
    # what drives retention most in this simulated product
    assert ranking["rank"].idxmin() == "win_opportunity"
    scores = pd.read_parquet(settings.parent / "out" / "scores" / "scores.parquet")
    assert len(scores) == paying_at(files / "subscriptions.csv.gz", pd.Timestamp("2022-12-31"))[0]
