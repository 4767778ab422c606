"""Two finished experiments of the demo product, simulated with known truth: help taken away, and support in real time.

Arms come in as an argument: who is assigned where is not this module's to decide. The same world, seed and arms give
the same tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from milepost.demo.columns import account_ids, choose, numbered, texts, times
from milepost.demo.world import DAY_US, Flags, Floats, Ints

HELP, SUPPORT = "help-content", "real-time-support"
EXPERIMENTS = (HELP, SUPPORT)
START, END, UNTIL = date(2024, 1, 8), date(2024, 2, 5), date(2024, 7, 1)
HISTORY_START = date(2023, 7, 3)
ACCOUNTS = {HELP: 4_000, SUPPORT: 12_000}
SOURCES, REGIONS = ("self_serve", "sales"), ("americas", "emea", "apac")
_MINUTE_US = 60_000_000
_SELF_SERVE = 0.85
_MRR_SPREAD = {HELP: 0.7, SUPPORT: 1.7}
_MRR_MOST = 8_000.0


@dataclass(frozen=True)
class People:
    """Accounts before anything happens to them. created_us: int64; drive: float, how much each wants the product."""

    kind: str
    seed: int
    created_us: Ints
    self_serve: Flags
    region: Ints
    drive: Floats

    @property
    def count(self) -> int:
        return len(self.created_us)

    @property
    def accounts(self) -> pd.DataFrame:
        """The table accounts."""
        return pd.DataFrame({
            "account_id": account_ids(np.arange(self.count)),
            "created_at": times(self.created_us),
            "segment": choose(SOURCES, 1 - self.self_serve.astype(int)),
            "region": choose(REGIONS, self.region),
            "source": choose(SOURCES, 1 - self.self_serve.astype(int)),
        })  # fmt: skip


@dataclass(frozen=True)
class ExperimentWorld:
    """The contract's tables of one experiment, the rows of features.csv, and the truth that stays apart."""

    kind: str
    accounts: pd.DataFrame
    subscriptions: pd.DataFrame
    events: pd.DataFrame
    conversations: pd.DataFrame
    surveys: pd.DataFrame
    catalogue: tuple[dict[str, str], ...]
    truth: dict[str, Any]


@dataclass(frozen=True)
class _Course:
    """What happens to every account: days until it pays (inf: never), questions, and what it did."""

    paid_day: Floats
    questions: Ints
    reply_minutes: Floats
    actions: dict[str, tuple[Ints, float]]
    csat: Floats
    answers: Floats
    truth: dict[str, Any]


def people(kind: str, seed: int, accounts: int) -> People:
    """So many self-serve accounts sign up while the experiment enrols; others, and earlier ones, stand beside them."""
    draws = np.random.default_rng([seed, 900, EXPERIMENTS.index(kind)])
    inside, earlier = round(accounts / _SELF_SERVE), round(accounts / 2)
    begin, end, first = (_us(day) for day in (START, END, HISTORY_START))
    created = np.append(draws.integers(first, begin, earlier), draws.integers(begin, end, inside))
    count = len(created)
    self_serve = draws.random(count) < _SELF_SERVE
    return People(kind, seed, np.sort(created), self_serve, draws.integers(0, 3, count), draws.normal(size=count))


def simulate_experiment(who: People, treated: Flags) -> ExperimentWorld:
    """The tables. treated: bool [accounts], whether each is in the arm beside the control (False where in none)."""
    draws = np.random.default_rng([who.seed, 901, EXPERIMENTS.index(who.kind)])
    course: Callable[..., _Course] = {HELP: _without_help, SUPPORT: _in_real_time}[who.kind]
    lived = course(who, treated, draws)
    return ExperimentWorld(
        who.kind, who.accounts, _subscriptions(who, lived, draws), _events(who, lived, draws),
        _conversations(who, lived, draws), _surveys(who, lived, draws), _catalogue(lived.actions), lived.truth,
    )  # fmt: skip


def _without_help(who: People, treated: Flags, draws: np.random.Generator) -> _Course:
    """Help taken away: fewer activate, fewer ask, nothing in paid conversion by day 28, nine points less by day 90.

    Accounts that want the product read help more, so that users of help look better than help makes them.
    """
    reads = ~treated & (draws.random(who.count) < _logistic(-0.2 + 1.2 * who.drive))
    active = draws.random(who.count) < np.clip(0.29 + 0.19 * who.drive, 0.02, 0.8) + 0.15 * reads
    early = draws.random(who.count) < 0.08
    late = draws.random(who.count) < (np.clip(0.14 + 0.04 * who.drive, 0.02, 0.9) + 0.2127 * reads)
    paid_day = np.where(
        early, draws.uniform(5, 28, who.count), np.where(late, draws.uniform(28, 90, who.count), np.inf)
    )
    questions = _overdispersed(np.where(treated, 1.4, 1.8), draws)
    actions = {
        "help_link_shown": (np.where(treated, 0, draws.poisson(5, who.count)), 28.0),
        "help_article_read": (np.where(reads, 1 + draws.poisson(2, who.count), 0), 28.0),
        "conversation_resolved": (np.where(active, 1 + draws.poisson(6, who.count), 0), 28.0),
    }
    truth = {
        "paid_day_28": 0.0, "paid_day_90": -0.09, "questions": -0.4, "activated": -0.07,
        "explained": "difference of the arm without help, less the control: shares, and questions per account",
        "used_help_activates_times": 2.5,
    }  # fmt: skip
    slow = draws.lognormal(np.log(240), 1.0, int(questions.sum()))
    return _Course(paid_day, questions, slow, actions, np.full(who.count, 4.1), np.full(who.count, 0.35), truth)


def _in_real_time(who: People, treated: Flags, draws: np.random.Generator) -> _Course:
    """Support in real time: 18 % more questions, 30 % more trials, 15 % more revenue, and a cost."""
    trial = draws.random(who.count) < np.where(treated, 0.130, 0.100)
    # marginal trials pay less often, so that revenue grows by half as much as trials
    pays = trial & (draws.random(who.count) < np.where(treated, 0.046 / 0.130, 0.040 / 0.100))
    paid_day = np.where(pays, draws.uniform(10, 80, who.count), np.inf)
    questions = _overdispersed(np.where(treated, 2.2 * 1.18, 2.2), draws)
    asker = np.repeat(treated, questions)
    minutes = draws.lognormal(np.where(asker, np.log(3), np.log(240)), 1.0)
    actions = {
        "trial_started": (trial.astype(np.int64), 60.0),
        "conversation_resolved": (draws.poisson(np.where(trial, 20, 2)), 112.0),
    }
    truth = {
        "questions_relative": 0.18, "trials_relative": 0.30, "revenue_relative": 0.15,
        "explained": "level of the arm with support in real time over the control's, less 1",
    }  # fmt: skip
    answers = np.where(treated, 0.38, 0.33)
    return _Course(paid_day, questions, minutes, actions, np.where(treated, 4.35, 4.1), answers, truth)


def _subscriptions(who: People, lived: _Course, draws: np.random.Generator) -> pd.DataFrame:
    """A free trial from the first day on, and what is paid after it."""
    pays = np.isfinite(lived.paid_day)
    start = who.created_us + np.where(pays, lived.paid_day * DAY_US, 0).astype(np.int64)
    ids, never = account_ids(np.arange(who.count)), np.iinfo(np.int64).min
    trial_end = np.where(pays, start, never)
    mrr = np.round(np.minimum(60 * draws.lognormal(0, _MRR_SPREAD[who.kind], int(pays.sum())), _MRR_MOST), 2)
    free = pd.DataFrame({
        "account_id": ids, "started_at": times(who.created_us), "ended_at": times(trial_end), "item": "base",
        "plan": "trial", "seats": 1.0, "mrr": 0.0, "paid": False,
    })  # fmt: skip
    paid = pd.DataFrame({
        "account_id": ids[pays].to_numpy(), "started_at": times(start[pays]).to_numpy(),
        "ended_at": np.full(int(pays.sum()), np.datetime64("NaT", "us")), "item": "base", "plan": "team",
        "seats": np.maximum(np.round(mrr / 30), 1), "mrr": mrr, "paid": True,
    })  # fmt: skip
    inside = paid["started_at"] < pd.Timestamp(UNTIL)
    rows = pd.concat([free, paid[inside]], ignore_index=True)
    return rows.sort_values(["account_id", "started_at"]).reset_index(drop=True)


def _events(who: People, lived: _Course, draws: np.random.Generator) -> pd.DataFrame:
    """Every account is seen on its first day; the rest falls evenly into the days that an action has."""
    seen = pd.DataFrame({"who": np.arange(who.count), "at": who.created_us + _MINUTE_US, "event_name": "signed_in"})
    parts = [seen]
    for name, (counts, days) in lived.actions.items():
        by = np.repeat(np.arange(who.count), counts)
        at = who.created_us[by] + (draws.uniform(0.01, days, len(by)) * DAY_US).astype(np.int64)
        parts.append(pd.DataFrame({"who": by, "at": at, "event_name": name}))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["at"] < _us(UNTIL)].sort_values(["at", "who", "event_name"], ignore_index=True)
    return pd.DataFrame({
        "account_id": account_ids(rows["who"].to_numpy()), "occurred_at": times(rows["at"].to_numpy()),
        "event_name": rows["event_name"].astype("str"),
    })  # fmt: skip


def _conversations(who: People, lived: _Course, draws: np.random.Generator) -> pd.DataFrame:
    """Questions to support within the days of the experiment, with the time of the first reply."""
    days = 28.0 if who.kind == HELP else 112.0
    by = np.repeat(np.arange(who.count), lived.questions)
    opened = who.created_us[by] + (draws.uniform(0.01, days, len(by)) * DAY_US).astype(np.int64)
    replied = opened + (lived.reply_minutes * _MINUTE_US).astype(np.int64)
    inside = replied < _us(UNTIL)
    return pd.DataFrame({
        "conversation_id": texts(numbered("con-", np.arange(int(inside.sum())), 6)),
        "account_id": account_ids(by[inside]), "opened_at": times(opened[inside]),
        "first_reply_at": times(replied[inside]), "resolved_at": times(replied[inside]),
    })  # fmt: skip


def _surveys(who: People, lived: _Course, draws: np.random.Generator) -> pd.DataFrame:
    """Satisfaction (1 to 5) and loyalty (0 to 10) of those that answer, once each."""
    found = []
    for kind, middle, spread, top in (("csat", lived.csat, 0.9, 5), ("nps", 2 * lived.csat - 0.7, 2.2, 10)):
        answered = np.flatnonzero(draws.random(who.count) < lived.answers)
        score = np.clip(np.round(draws.normal(middle[answered], spread)), 1, top)
        at = who.created_us[answered] + (draws.uniform(7, 28, len(answered)) * DAY_US).astype(np.int64)
        found.append(pd.DataFrame({"account_id": account_ids(answered), "answered_at": times(at), "kind": kind,
                                   "score": score}))  # fmt: skip
    rows = pd.concat(found, ignore_index=True)
    return rows[rows["answered_at"] < pd.Timestamp(UNTIL)].reset_index(drop=True)


def _catalogue(actions: Iterable[str]) -> tuple[dict[str, str], ...]:
    """The features whose events occur in this world."""
    occurs = {*actions, "signed_in"}
    keys = ("feature", "event_names", "category", "area")
    rows = (
        ("help_content", "help_article_read|help_link_shown", "self_service", "help"),
        ("support", "conversation_resolved", "support_channels", "support"),
        ("trial", "trial_started", "buying", "billing"),
        ("sign_in", "signed_in", "basics", "account"),
    )
    return tuple(dict(zip(keys, row, strict=True)) for row in rows if set(row[1].split("|")) <= occurs)


def _overdispersed(mean: Floats, draws: np.random.Generator) -> Ints:
    """Counts whose accounts differ: Poisson with a gamma-distributed mean, variance mean + mean² / 1.5."""
    return draws.poisson(mean * draws.gamma(1.5, 1 / 1.5, len(mean))).astype(np.int64)


def _logistic(value: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-value)))


def _us(day: date) -> int:
    return int(np.datetime64(day, "us").astype(np.int64))
