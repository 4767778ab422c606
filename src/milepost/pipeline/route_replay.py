"""`milepost route --replay`: the dates a model was tested on, routed with the risks it foretold, and what came after.

The risks are those of the last training's test: made by a model that had seen neither these dates nor these accounts.
Nobody was contacted because of it, so nothing here is an effect: it shows where the losses lay that contacts could have
met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.errors import InputError
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, table
from milepost.pipeline.route import changed, frame_of, rules_for, with_signals
from milepost.pipeline.store import load_evaluation
from milepost.routing.capacity import choose
from milepost.routing.decide import CONTACT, NO_HOURS, Routing, route_accounts
from milepost.routing.memory import Memory, no_memory
from milepost.routing.rules import Rules
from milepost.routing.table import contacts_made
from milepost.scoring.score import risk_bands
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.training.bootstrap import interval, over_draws
from milepost.training.split import split_forward

Floats = NDArray[np.float64]

BY_SAVING, BY_RISK, BY_LOT = "expected saving", "risk alone", "by lot"


@dataclass(frozen=True)
class Replayed:
    """rows: account_id, snapshot_date, lost (MRR of accounts that churned in the outcome window), and per order a
    column with 1 where it was contacted (by lot: the chance of it). dates: per date its counts.
    """

    rows: pd.DataFrame
    dates: pd.DataFrame


def replay_job(job: Job, what_if: Sequence[str] = ()) -> Result:
    """Route every test date of the last training, one after the other, and say what came after; nothing is written.

    Raises InputError when no training on these data is there.
    """
    scores = _test_scores(job)
    settings = changed(job.settings.routing, what_if) if what_if else job.settings.routing
    memory, parts, dates = no_memory(), [], []
    for day, of_day in scores.groupby(SNAPSHOT, sort=True):
        at = pd.Timestamp(str(day)).date()
        places = of_day["place"].to_numpy()
        rows = job.observations.take(places)
        frame = frame_of(job, of_day.drop(columns=["place", "churned"]), rows)
        rules = rules_for(job, settings, frame, rows)
        routing = route_accounts(with_signals(frame, rows, rules), rules, memory, at)
        memory = _after(routing, rules, memory)
        lost = of_day["churned"].to_numpy() * of_day["mrr"].fillna(0).to_numpy()
        parts.append(_orders(routing, frame, lost))
        dates.append(_counts(at, routing, lost, of_day["churned"].to_numpy()))
    found = Replayed(pd.concat(parts, ignore_index=True), pd.DataFrame(dates))
    figures = summary(found, job.settings.project.seed)
    answer = {"dates": found.dates.to_dict("records"), "orders": figures.to_dict("records"), "left_out": rules.left_out}
    return Result(answer, _text(found, figures, rules))


def _test_scores(job: Job) -> pd.DataFrame:
    """The test rows with the risks foretold for them, and what came after: place in the matrix, churned."""
    evaluation, _ = load_evaluation(job.settings.output / "training", job.fingerprint)
    if evaluation is None:
        raise InputError("no training on these data to look back on", where="training", fix="run 'milepost train'")
    rows, outcomes = job.observations.matrix.rows, job.outcomes
    known = np.flatnonzero(job.learnable & ~np.isnan(outcomes.churned))
    test = known[split_forward(rows.iloc[known], job.windows, job.settings.training).test]
    if not np.array_equal(outcomes.churned[test], evaluation.outcome):
        raise InputError("the training had other periods", where="training", fix="run 'milepost train'")
    names = [ACCOUNT, SNAPSHOT, "plan", "seats", "mrr", "size_band", "segment", "tenure_days"]
    risk = evaluation.predictions
    found = job.observations.context[names].iloc[test].reset_index(drop=True)
    return found.assign(
        churn_risk=risk, risk_band=risk_bands(risk, job.settings.scoring), expected_loss=risk * found["mrr"],
        place=test, churned=evaluation.outcome,
    )  # fmt: skip


def _after(routing: Routing, rules: Rules, memory: Memory) -> Memory:
    """What the next date remembers."""
    made = [frame for frame in (memory.contacts, contacts_made(routing)) if len(frame)]
    flags = routing.raised.frame(routing.accounts, rules)
    return Memory(flags, pd.concat(made, ignore_index=True) if made else memory.contacts)


def _orders(routing: Routing, frame: pd.DataFrame, lost: Floats) -> pd.DataFrame:
    """Who of the candidates is contacted, by three orders within the same hours of each pool."""
    open_ = (routing.state == CONTACT) | (routing.state == NO_HOURS)
    found = pd.DataFrame({ACCOUNT: frame[ACCOUNT], SNAPSHOT: frame[SNAPSHOT], "lost": lost,
                          BY_SAVING: routing.contacted.astype(float), BY_RISK: 0.0, BY_LOT: 0.0})  # fmt: skip
    risk = frame["churn_risk"].to_numpy(dtype=float)
    minutes = np.array([*(round(rule.flag.hours * 60) for rule in routing.rules.rules), 1])[routing.lead]
    for place, pool in enumerate(routing.pools):
        mine = np.flatnonzero(open_ & (routing.pool == place))
        if len(mine):
            chosen = choose(risk[mine], minutes[mine], pool.minutes - pool.used).chosen
            found.loc[mine, BY_RISK] = chosen.astype(float)
            found.loc[mine, BY_LOT] = min(1.0, (pool.minutes - pool.used) / minutes[mine].sum())
    return found


def _counts(at: date, routing: Routing, lost: Floats, churned: Floats) -> dict[str, object]:
    contacted = routing.contacted
    return {
        "date": str(at), "accounts": len(lost), "contacts": int(contacted.sum()), "churned": int(churned.sum()),
        "churned_contacted": int(churned[contacted].sum()), "lost": float(lost.sum()),
        "lost_contacted": float(lost[contacted].sum()),
    }  # fmt: skip


def summary(found: Replayed, seed: int) -> pd.DataFrame:
    """Per order: contacts, MRR that was lost among them, and their share of all lost MRR with its 95 % interval over
    accounts drawn again.
    """
    rows, orders = found.rows, [BY_SAVING, BY_RISK, BY_LOT]
    lost = rows["lost"].to_numpy(dtype=float)
    met = rows[orders].to_numpy(dtype=float) * lost[:, None]

    def shares(weights: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((weights @ met) / (weights @ lost)[:, None])

    drawn = over_draws(shares, rows[ACCOUNT], seed)
    ends = [interval(drawn[:, place]) for place in range(len(orders))]
    point = shares(np.ones((1, len(rows))))[0]
    return pd.DataFrame({
        "order": orders, "contacts": rows[orders].sum().to_numpy(), "lost_contacted": met.sum(axis=0), "share": point,
        "low": [low for low, _ in ends], "high": [high for _, high in ends],
    })  # fmt: skip


def _text(found: Replayed, figures: pd.DataFrame, rules: Rules) -> str:
    dates = [
        [row.date, f"{row.accounts:,}", f"{row.contacts:,}", f"{row.churned:,}", f"{row.churned_contacted:,}",
         f"{row.lost:,.0f}", f"{row.lost_contacted:,.0f}"]
        for row in found.dates.itertuples()
    ]  # fmt: skip
    orders = [
        [row.order, f"{row.contacts:,.0f}", f"{row.lost_contacted:,.0f}",
         _met(row.share, row.low, row.high)]
        for row in figures.itertuples()
    ]  # fmt: skip
    head = "past dates, routed with risks foretold by a model that had not seen them; nothing is written"
    caution = "nobody was contacted because of this: it shows where losses lay, not what a contact does"
    left = "".join(f"\nnot in use: {text}" for text in rules.left_out)
    return "\n\n".join([
        head, table(["date", "accounts", "contacts", "churned", "of contacted", "lost MRR", "of contacted"], dates),
        table(["hours given by", "contacts", "their lost MRR", "share of all lost MRR"], orders), caution + left,
    ])  # fmt: skip


def _met(*figures: object) -> str:
    share, low, high = (float(str(figure)) for figure in figures)
    return "nothing was lost" if np.isnan(share) else f"{share:.1%} ({low:.1%} to {high:.1%})"
