"""`milepost account ID`: one account on the screen, from what is published; nothing is read anew or written."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pandas as pd

from milepost.data.publish import current
from milepost.errors import InputError, nearest
from milepost.importance.verdicts import percent, plain
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result
from milepost.terms import ACCOUNT, SNAPSHOT

WIDTH, _LABEL, _MONTHS = 100, 12, 12
UNKNOWN = "–"
_STEPS = ("next_step", "next_step_because", "next_step_alternatives")


def account_card(job: Job, account: str) -> Result:
    """Risk, milestones, levels, reasons, next step and the last months of one account.

    Raises ContractError when no scores are published, and InputError for an account that is not among them.
    """
    folder = job.settings.output / "scores"
    row = _row(current(folder), account)
    history = _history(job.settings.output / "milestones", account)
    past = [_known(history.loc[place]) for place in history.index]
    return Result({"account": {**row, "history": past}}, card_text(row, history))


def card_text(row: dict[str, object], history: pd.DataFrame) -> str:
    """The card, at most 100 columns wide."""
    lines = [_head(row), _who(row), ""]
    lines += _part("milestones", [_milestones(row), *_levels(row)])
    lines += _part("reasons", _reasons(row))
    step, because, others = (_text(row.get(name)) for name in _STEPS)
    lines += _part("next step", [step or UNKNOWN, because, f"Or: {others}." if others else ""])
    if route := _text(row.get("route")):
        lines += _part("route", [f"{route}: {_text(row.get('route_because'))}"])
    lines += _part("over time", [_over_time(history)] if len(history) else [])
    lines += _part("from", [f"model {row['model_id']}, framework version {row['framework_version']}"])
    return "\n".join(lines)


def _row(source: Path, account: str) -> dict[str, object]:
    """The account's row of the scores."""
    found = pd.read_parquet(source / "scores.parquet", filters=[(ACCOUNT, "==", account)])
    if len(found):
        return _known(found.iloc[0])
    left_out = pd.read_csv(source / "not_scored.csv", dtype=str, keep_default_na=False)
    why = left_out.loc[left_out[ACCOUNT] == account, "reason"]
    if len(why):
        raise InputError(f"account '{account}' is not scored: {why.iloc[0]}", where="scores")
    names = pd.read_parquet(source / "scores.parquet", columns=[ACCOUNT])[ACCOUNT].astype(str)
    # the nearest of many names takes a while: those that begin alike are enough
    alike = names[names.str[:3] == account[:3]].head(10_000).tolist()
    raise InputError(f"no account '{account}' among {len(names):,} scored", where="scores", fix=nearest(account, alike))


def _known(row: pd.Series) -> dict[str, object]:
    """Column -> value, None where it is not known."""
    return {str(name): None if pd.isna(value) else value for name, value in row.items()}


def _history(folder: Path, account: str) -> pd.DataFrame:
    """The account's states by snapshot, oldest first; empty where none are published."""
    try:
        source = current(folder) / "states.parquet"
        found = pd.read_parquet(source, filters=[(ACCOUNT, "==", account)])
    except (InputError, OSError, ValueError):
        return pd.DataFrame()
    return found.sort_values(SNAPSHOT).reset_index(drop=True)


def _head(row: dict[str, object]) -> str:
    risk = float(str(row["churn_risk"]))
    loss, mrr = _number(row["expected_loss"]), _number(row["mrr"])
    money = f", expected loss {loss} of {mrr} MRR" if UNKNOWN not in (loss, mrr) else ""
    day = pd.Timestamp(str(row[SNAPSHOT])).date()
    rule = ", by the rule for young accounts" if row["scored_by"] == "rule" else ""
    return _wrapped(
        f"{row[ACCOUNT]} as of {day}: {row['risk_band']} risk, {percent(risk)} (no. {row['risk_rank']:,}){rule}{money}"
    )


def _who(row: dict[str, object]) -> str:
    seats = _number(row["seats"])
    parts = [
        f"plan {_text(row['plan'])}" if _text(row["plan"]) else "",
        f"{seats} {'seat' if seats == '1' else 'seats'}" if seats != UNKNOWN else "",
        f"segment {_text(row['segment'])}" if _text(row["segment"]) else "",
        f"{float(str(row['tenure_days'])):,.0f} days since it signed up",
    ]
    return _wrapped(", ".join(part for part in parts if part))


def _milestones(row: dict[str, object]) -> str:
    """The furthest milestone, and what is known of each."""
    on = {name: _day(row.get(f"{name}_on")) for name in ("setup", "activated")}
    utilized = row.get("utilized")
    known = UNKNOWN if utilized is None or pd.isna(utilized) else "yes" if utilized else "no"  # type: ignore[call-overload]
    dates = f"set up {on['setup']}, activated {on['activated']}, utilized {known}"
    return f"furthest {_text(row.get('milestone')) or UNKNOWN}; {dates}"


def _levels(row: dict[str, object]) -> list[str]:
    levels = {name.removeprefix("level_"): _text(value) for name, value in row.items() if name.startswith("level_")}
    if not levels:
        return []
    named = ", ".join(f"{name} {level or UNKNOWN}" for name, level in levels.items())
    return [f"mature in {_number(row['mature_categories'])} of {len(levels)} categories: {named}"]


def _reasons(row: dict[str, object]) -> list[str]:
    """What moves the model's figure most; they are not effects."""
    names = sorted(name for name in row if name.startswith("reason_") and name.count("_") == 1)
    return [_text(row[name]) for name in names if _text(row[name])]


def _over_time(history: pd.DataFrame) -> str:
    last = history.tail(_MONTHS)
    return ", ".join(
        f"{pd.Timestamp(day).date()} {state}" for day, state in zip(last[SNAPSHOT], last["milestone"], strict=True)
    )


def _part(name: str, texts: list[str]) -> list[str]:
    """A labelled part: each text wrapped below the other; nothing for no text."""
    said = [text for text in texts if text]
    indent = " " * _LABEL
    return [
        textwrap.fill(text, WIDTH, initial_indent=indent if place else f"{name:<{_LABEL}}", subsequent_indent=indent)
        for place, text in enumerate(said)
    ]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ")


def _text(value: object) -> str:
    return "" if value is None or bool(pd.isna(value)) else str(value)  # type: ignore[call-overload]


def _number(value: object) -> str:
    return plain(float(str(value))) if _text(value) else UNKNOWN


def _day(value: object) -> str:
    return str(pd.Timestamp(str(value)).date()) if _text(value) else UNKNOWN
