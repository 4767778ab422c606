"""Routing in words: who is contacted for what, who just missed, what another person would be worth, and for whom."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from milepost.importance.verdicts import percent
from milepost.pipeline.result import table
from milepost.routing.decide import NO_HOURS, Routing
from milepost.routing.saving import ASSUMED, MEASURED
from milepost.terms import ACCOUNT

WIDTH, SHOWN, LONGEST = 100, 5, 24


def route_json(routing: Routing) -> dict[str, object]:
    """The answer for machines."""
    return {
        "as_of": str(routing.today), "accounts": len(routing.accounts), "rule_version": routing.rules.version,
        "contact": int(routing.contacted.sum()), "serve": int(routing.served.sum()),
        "states": dict(Counter(routing.state.tolist())),
        "expected_saving": float(routing.value[routing.contacted].sum()),
        "flags": flags_table(routing).to_dict("records"), "pools": pools_table(routing).to_dict("records"),
        "just_missed": missed(routing).head(SHOWN).to_dict("records"), "left_out": list(routing.rules.left_out),
    }  # fmt: skip


def flags_table(routing: Routing) -> pd.DataFrame:
    """One row per flag: how many accounts it is raised for, leads, and brings a contact; what these save."""
    rows = []
    for place, rule in enumerate(routing.rules.rules):
        mine = (routing.lead == place) & routing.contacted
        rows.append({
            "flag": rule.flag.name, "owner": rule.flag.owner, "route": rule.flag.route.value,
            "priority": rule.flag.priority, "raised": int(routing.raised.up[:, place].sum()),
            "leads": int((routing.lead == place).sum()), "contacts": int(mine.sum()),
            "expected_saving": float(routing.value[mine].sum()), "low": _sum(routing.low[mine]),
            "high": _sum(routing.high[mine]), "basis": routing.basis[place], "because": routing.because[place],
        })  # fmt: skip
    return pd.DataFrame(rows)


def _sum(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """The sum; NaN where nothing is known of one of them, or there are none."""
    return float(values.sum()) if len(values) else float("nan")


def pools_table(routing: Routing) -> pd.DataFrame:
    """One row per pool: hours it has, used before and given out now, what these save, what one more person would."""
    return pd.DataFrame([
        {"pool": pool.label, "hours": pool.minutes / 60, "used_before": pool.used / 60,
         "given_now": pool.chosen.minutes / 60, "candidates": pool.candidates,
         "contacts": int(pool.chosen.chosen.sum()), "expected_saving": pool.chosen.value,
         "another_person": pool.another, "exact": pool.chosen.exact, "bound": pool.chosen.bound}
        for pool in routing.pools
    ])  # fmt: skip


def missed(routing: Routing, most: int = 50) -> pd.DataFrame:
    """Per pool, those for whom there were no hours, the largest expected saving per hour first."""
    hours = np.array([*(rule.flag.hours for rule in routing.rules.rules), np.nan])[routing.lead]
    names = [*(rule.flag.name for rule in routing.rules.rules), ""]
    labels = np.array([*(pool.label for pool in routing.pools), ""], dtype=object)
    found = pd.DataFrame({
        ACCOUNT: routing.accounts.to_numpy(), "pool": labels[routing.pool],
        "flag": np.array(names, dtype=object)[routing.lead], "expected_saving": routing.value,
        "saving_per_hour": routing.value / hours,
    })  # fmt: skip
    left = found[routing.state == NO_HOURS]
    ordered = left.sort_values(["pool", "saving_per_hour", ACCOUNT], ascending=[True, False, True])
    return pd.DataFrame(ordered.groupby("pool", sort=False).head(most).reset_index(drop=True))


def route_text(name: str, routing: Routing, decisions: pd.DataFrame, fair: pd.DataFrame, later: Sequence[date]) -> str:
    """The answer for people, at most 100 columns wide."""
    parts = [_head(name, routing), _flags_text(routing), _pools_text(routing), _first_text(decisions),
             _missed_text(routing), _fair_text(fair), *_notes(routing, later)]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def _head(name: str, routing: Routing) -> str:
    contacts, held = int(routing.contacted.sum()), int(routing.served.sum() - routing.contacted.sum())
    rest = len(routing.accounts) - contacts - held
    return (
        f"{name}, routes of {len(routing.accounts):,} accounts as of {routing.today} (rules {routing.rules.version})\n"
        f"a person contacts {contacts:,} now and is in contact with {held:,}; {rest:,} help themselves"
    )


def _flags_text(routing: Routing) -> str:
    rows = [
        [row["flag"], row["owner"] or "self-service", f"{row['raised']:,}", f"{row['leads']:,}", f"{row['contacts']:,}",
         f"{row['expected_saving']:,.1f}" if row["owner"] else "–", _basis(row)]
        for row in flags_table(routing).to_dict("records")
    ]  # fmt: skip
    header = ["flag", "for", "raised", "leads", "contacts", "saved MRR", "basis"]
    note = "saved MRR: expected over one outcome window; where assumed, by the share that stands with the flag"
    return f"{table(header, rows)}\n{note}"


def _basis(row: Mapping[Hashable, Any]) -> str:
    if not row["owner"]:
        return ""
    if row["basis"] == ASSUMED:
        return ASSUMED
    return f"{MEASURED} ({row['low']:,.1f} to {row['high']:,.1f})" if row["contacts"] else MEASURED


def _pools_text(routing: Routing) -> str:
    rows = [
        [_short(row.pool), f"{row.hours:g}", f"{row.used_before:g}", f"{row.given_now:g}", f"{row.candidates:,}",
         f"{row.contacts:,}", f"{row.expected_saving:,.1f}", f"{row.another_person:,.1f}"]
        for row in pools_table(routing).itertuples()
    ]  # fmt: skip
    header = ["hours of", "have", "used", "given", "waiting", "contacts", "saved MRR", "one more person"]
    near = [pool.label for pool in routing.pools if not pool.chosen.exact]
    note = f"\nnot exactly the best for {', '.join(near)}: see the column bound in pools.csv" if near else ""
    return table(header, rows) + note


def _first_text(decisions: pd.DataFrame) -> str:
    now = decisions[decisions["contact"]]
    first = now.sort_values(["expected_saving", ACCOUNT], ascending=[False, True]).head(SHOWN)
    rows = [
        [_short(row.account_id), row.flag, row.owner, f"{row.expected_saving:,.1f}", _short(row.evidence, LONGEST + 8)]
        for row in first.itertuples()
    ]
    return table(["contact first", "flag", "owner", "saved MRR", "evidence"], rows) if rows else ""


def _missed_text(routing: Routing) -> str:
    just = missed(routing, SHOWN).sort_values(["saving_per_hour", ACCOUNT], ascending=[False, True]).head(SHOWN)
    rows = [
        [_short(row.account_id), row.flag, _short(row.pool), f"{row.expected_saving:,.1f}",
         f"{row.saving_per_hour:,.1f}"]
        for row in just.itertuples()
    ]  # fmt: skip
    return table(["just missed", "flag", "hours of", "saved MRR", "an hour"], rows) if rows else ""


def _fair_text(fair: pd.DataFrame) -> str:
    rows = [
        [f"{row.by} {_short(row.group)}", f"{row.accounts:,}", f"{row.flagged:,}", f"{row.served:,}",
         _share(row.served_share, row.low, row.high),
         _share(row.served_of_flagged, row.of_flagged_low, row.of_flagged_high)]
        for row in fair.itertuples()
    ]  # fmt: skip
    return table(["who is served", "accounts", "flagged", "served", "of all", "of the flagged"], rows) if rows else ""


def _share(value: object, low: object, high: object) -> str:
    share, least, most = (float(str(number)) for number in (value, low, high))
    return "too few" if share != share else f"{percent(share)} ({percent(least)} to {percent(most)})"


def _notes(routing: Routing, later: Sequence[date]) -> list[str]:
    notes = [f"not in use: {text}" for text in routing.rules.left_out]
    if later:
        notes.append(f"{len(later)} later dates were routed already, from what stood before: {later[0]} to {later[-1]}")
    return ["\n".join(textwrap.fill(note, WIDTH, subsequent_indent="  ") for note in notes)] if notes else []


def what_if_text(now: Routing, then: Routing, asked: Sequence[str]) -> str:
    """Both side by side; nothing was written."""
    rows = []
    for before, after in zip(now.pools, then.pools, strict=True):
        rows.append([
            _short(before.label), f"{before.minutes / 60:g}", f"{after.minutes / 60:g}",
            str(int(before.chosen.chosen.sum())), str(int(after.chosen.chosen.sum())), f"{before.chosen.value:,.1f}",
            f"{after.chosen.value:,.1f}", f"{after.chosen.value - before.chosen.value:+,.1f}",
        ])  # fmt: skip
    saved = [float(one.value[one.contacted].sum()) for one in (now, then)]
    contacts = [int(one.contacted.sum()) for one in (now, then)]
    rows.append(["together", "", "", *map(str, contacts), *(f"{value:,.1f}" for value in saved),
                 f"{saved[1] - saved[0]:+,.1f}"])  # fmt: skip
    header = ["hours of", "now", "then", "contacts", "then", "saved MRR", "then", "difference"]
    new = int((then.contacted & ~now.contacted).sum())
    lost = int((now.contacted & ~then.contacted).sum())
    head = f"what if {', '.join(asked)}: routes as of {now.today}; nothing is written"
    return f"{head}\n\n{table(header, rows)}\n\n{new:,} accounts more would be contacted now, {lost:,} no longer"


def _short(value: object, longest: int = LONGEST) -> str:
    text = str(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
