"""What was scored on earlier dates: a few columns per date, and a table of runs with what each was made from.

output/scoring/dates/2024-06-01.parquet    what was said of each account on that date
output/scoring/scoring_runs.parquet, .csv  one row per date: model, framework, counts, drift
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path

import pandas as pd

from milepost.data.publish import spreadsheet_safe, write_atomic
from milepost.scoring.score import ROUTE
from milepost.terms import ACCOUNT, SNAPSHOT

KEPT = [
    ACCOUNT, SNAPSHOT, "churn_risk", "risk_band", "mrr", "milestone", "mature_categories", "next_milestone",
    "next_step", "route", "model_id", "framework_version",
]  # fmt: skip
# what somebody who works with the account sees; a risk moves every day by a little, its band does not
DELIVERED = ["risk_band", "milestone", "mature_categories", "next_milestone", "next_step", "route"]
CHANGE = "change"


class History:
    """The folder of what was scored; every file in it is replaced as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def runs(self) -> pd.DataFrame:
        """One row per scored date, oldest first; empty before the first."""
        path = self.folder / "scoring_runs.parquet"
        return pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=[SNAPSHOT, "model_id", "content"])

    def run_of(self, day: date) -> dict[str, object]:
        """What is known of a date's run, {} when it has not been scored."""
        runs = self.runs()
        found = runs[runs[SNAPSHOT] == pd.Timestamp(day)]
        return {} if found.empty else {str(key): value for key, value in found.iloc[0].items()}

    def before(self, day: date) -> pd.DataFrame | None:
        """What was said on the latest earlier date, None before the first."""
        earlier = [one for one in self.days() if one < day]
        return pd.read_parquet(self._path(max(earlier))) if earlier else None

    def keep(self, scores: pd.DataFrame, run: dict[str, object], dates: int) -> None:
        """Remember a date; the oldest beyond `dates` are forgotten."""
        day = pd.Timestamp(scores[SNAPSHOT].iloc[0]).date()
        kept = scores[[name for name in KEPT if name in scores]]
        write_atomic(self._path(day), lambda path: kept.to_parquet(path, index=False))
        for old in sorted(self.days())[:-dates]:
            self._path(old).unlink()
        runs = self.runs()
        rows = [*runs[runs[SNAPSHOT] != pd.Timestamp(day)].to_dict("records"), run]
        frame = pd.DataFrame(rows).sort_values(SNAPSHOT, ignore_index=True)
        write_atomic(self.folder / "scoring_runs.parquet", lambda path: frame.to_parquet(path, index=False))
        write_atomic(self.folder / "scoring_runs.csv", lambda path: spreadsheet_safe(frame).to_csv(path, index=False))

    def days(self) -> list[date]:
        """The dates that are kept, in no order."""
        return [date.fromisoformat(path.stem) for path in (self.folder / "dates").glob("????-??-??.parquet")]

    def _path(self, day: date) -> Path:
        return self.folder / "dates" / f"{day}.parquet"


def content_of(scores: pd.DataFrame) -> str:
    """A hash of everything the scores say, apart from when they were made and the route that is put in later."""
    said = scores.drop(columns=["scored_at", *ROUTE], errors="ignore")
    rows = pd.util.hash_pandas_object(said, index=False)
    names = "\0".join(map(str, said.columns)).encode()
    return hashlib.sha256(names + rows.to_numpy().tobytes()).hexdigest()[:16]


def changes(scores: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """The accounts for whom something that is delivered differs from the date before, sorted by account.

    Columns: account_id, snapshot_date, DELIVERED (those there are, `route` once it is known) and change: `new` (not
    scored before), `changed`, or `gone` (no longer scored, the other columns null). Without an earlier date everybody
    is new.
    """
    routed = "route" in scores and scores["route"].notna().any()  # until then it is not known, rather than changed
    names = [name for name in DELIVERED if name in scores and (routed or name != "route")]
    now = scores.set_index(ACCOUNT)[[SNAPSHOT, *names]].sort_index()
    if before is None:
        return now.assign(**{CHANGE: "new"}).reset_index()
    then = before.set_index(ACCOUNT).reindex(columns=names)
    both = now.index.intersection(then.index)
    same = (_text(now.loc[both, names]) == _text(then.loc[both, names])).all(axis=1)
    change = pd.Series("new", index=now.index)
    change[both] = same.map({True: "", False: "changed"})
    gone = pd.DataFrame({SNAPSHOT: now[SNAPSHOT].iloc[0]}, index=then.index.difference(now.index))
    differing = now.assign(**{CHANGE: change})[change != ""]
    everything = pd.concat([differing, gone.assign(**{CHANGE: "gone"})]) if len(gone) else differing
    return everything.rename_axis(ACCOUNT).sort_index().reset_index()


def _text(frame: pd.DataFrame) -> pd.DataFrame:
    """Values as text, so that null equals null and 2 equals 2.0."""
    return pd.DataFrame({
        name: frame[name].astype(object).where(frame[name].notna(), "").map(_plain) for name in frame
    })  # fmt: skip


def _plain(value: object) -> str:
    """A value as text; figures inside a sentence move every day and are no change of what to do."""
    if isinstance(value, float):
        return f"{value:g}"
    return re.sub(r"\d[\d.,-]*", "#", value) if isinstance(value, str) else str(value)
