"""Help content: whom it reaches, what follows reading and searching it, and what asking it may have saved.

The unit is a day of an account on which help was read, or searched: an account that reads five articles to solve one
problem has helped itself once.
"""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from milepost.data.contract import to_frame
from milepost.metrics.retention import Cell, rate_row, ratio_interval, share_row
from milepost.settings import HelpSettings
from milepost.terms import ACCOUNT
from milepost.windows import midnight

SOON = timedelta(days=1)  # a conversation opened within it follows the help
READS, SEARCHES, CLICKS = "reads", "searches", "clicks"
HELP_METRICS = ("help_reach", "help_followed_share", "self_served_share", "contacts_avoided_per_help_view")
SEARCH_METRICS = ("help_searches_without_click_share", "help_searches_followed_share")
_NO_GUESS = "needs would_ask in [help]: an assumption that no data hold"


def help_days(events: ibis.Table, settings: HelpSettings, start: date, end: date) -> pd.DataFrame:
    """One row per account and day of the period with any help event, as known at the end: account_id, day, first_at
    (the first of them that day), reads, searches, clicks (how many), sorted.
    """
    kinds = {READS: settings.read_events, SEARCHES: settings.search_events, CLICKS: settings.click_events}
    wanted = sorted({name for names in kinds.values() for name in names})
    inside = (events.occurred_at >= midnight(start)) & (events.occurred_at < midnight(end))
    seen = events.filter(inside & (events.visible_at < midnight(end)) & events.event_name.isin(wanted))
    seen = seen.mutate(day=seen.occurred_at.truncate("D"))
    counts = {
        # 0.0 would be a decimal on PostgreSQL and Spark
        kind: ibis.ifelse(seen.event_name.isin(list(names)), seen.quantity, 0).sum().cast("float64")
        if names else ibis.literal(0).cast("float64") for kind, names in kinds.items()
    }  # fmt: skip
    found = to_frame(seen.group_by([ACCOUNT, "day"]).aggregate(first_at=seen.occurred_at.min(), **counts))
    return found.sort_values([ACCOUNT, "day"], ignore_index=True)


def followed(days: pd.DataFrame, conversations: pd.DataFrame, end: date) -> pd.DataFrame:
    """The days with `followed`: 1 where the account opened a conversation within a day after the first help event of
    the day, 0 where it did not, NaN where the period ends before that can be known.
    """
    asked, ordered = (  # an empty table has types of its own
        frame.astype({name: "datetime64[us]", ACCOUNT: "string"}).sort_values(name, kind="stable")
        for frame, name in ((conversations[[ACCOUNT, "opened_at"]], "opened_at"), (days, "first_at"))
    )
    found = pd.merge_asof(
        ordered, asked, left_on="first_at", right_on="opened_at", by=ACCOUNT, direction="forward",
        tolerance=pd.Timedelta(SOON),
    )  # fmt: skip
    yes = found["opened_at"].notna()
    known = yes | (found["first_at"] + SOON <= midnight(end))
    marked = found.drop(columns="opened_at").assign(followed=yes.astype(float).where(known))
    return marked.sort_values([ACCOUNT, "day"], ignore_index=True)


def help_rows(
    days: pd.DataFrame, conversations: pd.DataFrame, running: pd.DataFrame, settings: HelpSettings, min_accounts: int
) -> list[dict[str, Cell]]:
    """HELP_METRICS, and SEARCH_METRICS where searches are known, of one segment.

    days: `followed` days; conversations: those opened in the period; running: accounts running at the end.
    """
    read = days[days[READS] > 0]
    reached = running[ACCOUNT].isin(read[ACCOUNT])
    rows = [share_row("help_reach", int(reached.sum()), len(reached), 0, min_accounts)]
    known = read[read["followed"].notna()]
    alone = (1 - known["followed"]).groupby(known[ACCOUNT]).sum()
    asked = conversations.groupby(ACCOUNT).size()
    needs = alone.add(asked, fill_value=0)
    waiting = int(read["followed"].isna().sum())
    rows += [
        _share("help_followed_share", known, known["followed"], waiting, min_accounts),
        _ratio("self_served_share", alone.reindex(needs.index).fillna(0), needs, waiting, min_accounts, share=True),
        _avoided(known, settings, waiting, min_accounts),
    ]
    return rows + (_searches(days, settings, min_accounts) if settings.search_events else [])


def _avoided(known: pd.DataFrame, settings: HelpSettings, waiting: int, min_accounts: int) -> dict[str, Cell]:
    """The assumed share of the days that nobody asked after, for each view."""
    guess = np.nan if settings.would_ask is None else settings.would_ask
    saved = ((1 - known["followed"]) * guess).groupby(known[ACCOUNT]).sum()
    views = known.groupby(ACCOUNT)[READS].sum()
    row = _ratio("contacts_avoided_per_help_view", saved, views, waiting, min_accounts)
    if settings.would_ask is None:
        return {**row, "value": np.nan, "low": np.nan, "high": np.nan, "numerator": np.nan, "note": _NO_GUESS}
    return row


def _searches(days: pd.DataFrame, settings: HelpSettings, min_accounts: int) -> list[dict[str, Cell]]:
    searched = days[days[SEARCHES] > 0]
    opened = (searched[CLICKS] > 0) | (searched[READS] > 0)
    known = searched[searched["followed"].notna()]
    waiting = len(searched) - len(known)
    rows = [_share(SEARCH_METRICS[1], known, known["followed"], waiting, min_accounts)]
    if settings.click_events or settings.read_events:
        rows.insert(0, _share(SEARCH_METRICS[0], searched, (~opened).astype(float), 0, min_accounts))
    return rows


def _share(metric: str, rows: pd.DataFrame, yes: pd.Series, waiting: int, min_accounts: int) -> dict[str, Cell]:
    by_account = yes.groupby(rows[ACCOUNT])
    return _ratio(metric, by_account.sum(), by_account.size(), waiting, min_accounts, share=True)


def _ratio(
    metric: str, kept: pd.Series, of: pd.Series, waiting: int, min_accounts: int, share: bool = False
) -> dict[str, Cell]:
    """A ratio of sums over accounts, with its interval by account."""
    above, below = kept.to_numpy(dtype=float), of.to_numpy(dtype=float)
    sums = float(above.sum()), float(below.sum())
    return rate_row(metric, ratio_interval(above, below, share=share), sums, len(below), waiting, min_accounts)
