"""`milepost route`: who gets a person today, from the scores that are there, kept with their date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from milepost.data.publish import current, holding
from milepost.errors import InputError, SettingsError, nearest
from milepost.pipeline.framework_file import read_framework
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result
from milepost.pipeline.route_facts import FACTS, facts_at, named_signals
from milepost.pipeline.route_store import (
    CONTACTS,
    DECISIONS,
    FLAGS,
    keep,
    publish_routes,
    read_memory,
    routed_dates,
    routing_here,
    with_routes,
)
from milepost.pipeline.route_words import missed, pools_table, route_json, route_text, what_if_text
from milepost.pipeline.score import deliver, not_scored
from milepost.pipeline.score_history import History
from milepost.routing.decide import Routing, route_accounts
from milepost.routing.fairness import fairness
from milepost.routing.rules import Rules, read_rules
from milepost.routing.table import contacts_made, decisions
from milepost.settings import RoutingSettings
from milepost.signals.build import build_observations
from milepost.signals.declare import declare_signals, everything
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT

GROUPS = ("plan", "region")
CHANGEABLE = ("capacity", "price_floor", "serve_days", "between_days", "max_contacts")


@dataclass(frozen=True)
class Routed:
    """What a date came to: the frame that was routed, the decisions made of it, both as tables."""

    frame: pd.DataFrame
    routing: Routing
    table: pd.DataFrame
    fair: pd.DataFrame


def route_job(job: Job, what_if: Sequence[str] = ()) -> Result:
    """Route the scored date, keep it and fill the scores; with `what_if` nothing is written and both are shown.

    Raises InputError when the scores are not of this date and these data, SettingsError for a rule that cannot be.
    """
    scores = _scores(job)
    signals = _signals(job)
    frame = frame_of(job, scores, signals)
    rules = rules_for(job, job.settings.routing, frame, signals)
    folder = job.settings.output / "routing"
    if what_if:
        other = rules_for(job, changed(job.settings.routing, what_if), frame, signals)
        now, then = (_decide(job, frame, signals, one) for one in (rules, other))
        return Result({"now": route_json(now.routing), "what_if": route_json(then.routing)},
                      what_if_text(now.routing, then.routing, what_if))  # fmt: skip
    with routing_here(folder):
        found = _decide(job, frame, signals, rules)
        _keep(job, found)
    later = [day for day in routed_dates(folder) if day > job.as_of]
    text = route_text(job.settings.project.name, found.routing, found.table, found.fair, later)
    fair = found.fair.to_dict("records")
    answer = {**route_json(found.routing), "fairness": fair, "later_dates": list(map(str, later))}
    return Result({"routes": answer, "path": str(job.settings.output / "routes" / "routes.parquet")}, text)


def _scores(job: Job) -> pd.DataFrame:
    scores = pd.read_parquet(current(job.settings.output / "scores") / "scores.parquet")
    run = scores["run_id"].iloc[0]
    if run != job.run_id:
        raise InputError(f"they are of run {run}, not of {job.run_id}", where="scores",
                         fix=f"run 'milepost score --as-of {job.as_of}'")  # fmt: skip
    return scores


def _signals(job: Job) -> Observations:
    """The rows of the scored date with every signal the data can give."""
    if job.has_observations:
        return job.current
    return build_observations(job.tables, job.features, job.settings, [job.as_of], progress=job.progress, own=job.own)


def frame_of(job: Job, scores: pd.DataFrame, rows: Observations) -> pd.DataFrame:
    """What flags look at: scores, facts, and every limit of the settings that a condition may name."""
    day = pd.Timestamp(rows.context[SNAPSHOT].iloc[0]).date()
    facts = facts_at(job.tables, day, job.settings, scores[ACCOUNT])
    scoring = job.settings.scoring
    limits = {"elevated_from": scoring.elevated_from, "high_from": scoring.high_from,
              "price_floor": job.settings.routing.price_floor}  # fmt: skip
    plain = scores.drop(columns=["route", "route_because"], errors="ignore").reset_index(drop=True)
    return plain.join(facts[[name for name in facts if name not in plain]]).assign(**limits)


def rules_for(job: Job, settings: RoutingSettings, frame: pd.DataFrame, rows: Observations) -> Rules:
    """The rules of these settings, read against the columns of these data."""
    signals = {signal.name for signal in rows.matrix.signals}
    possible = declare_signals(job.features, job.settings.signals.measures, job.windows, everything(job.features))
    names_of_signals = {signal.name for signal in (*possible, *job.own)}
    known = set(FACTS) | names_of_signals | {"mature_categories", "next_milestone", "milestone"}
    return read_rules(settings, set(frame.columns) | signals, known)


def with_signals(frame: pd.DataFrame, rows: Observations, rules: Rules) -> pd.DataFrame:
    """The frame with the signals that the rules name, joined by account."""
    conditions = [pool.where for pool in rules.pools if pool.where is not None]
    named = {name for rule in rules.rules for name in rule.columns} | {n for one in conditions for n in one.columns}
    found = named_signals(rows.matrix.signals, rows.matrix.values, named - set(frame.columns))
    aligned = found.set_axis(rows.matrix.rows[ACCOUNT]).reindex(frame[ACCOUNT]).reset_index(drop=True)
    return frame.reset_index(drop=True).join(aligned)


def _decide(job: Job, frame: pd.DataFrame, rows: Observations, rules: Rules) -> Routed:
    framework = read_framework(job)
    full = with_signals(frame, rows, rules)
    memory = read_memory(job.settings.output / "routing", job.as_of, rules)
    routing = route_accounts(full, rules, memory, job.as_of, framework.proven if framework else ())
    groups = pd.DataFrame({name: full[name] for name in GROUPS if name in full})
    fair = fairness(routing, groups, full["expected_loss"], rules.settings.fairness_accounts)
    return Routed(full, routing, decisions(routing, full), fair)


def _keep(job: Job, found: Routed) -> None:
    """The date's folder first, then what people read: whatever stops on the way is put right by a rerun."""
    output, routing = job.settings.output, found.routing
    parts = {DECISIONS: found.table, FLAGS: routing.raised.frame(routing.accounts, routing.rules),
             CONTACTS: contacts_made(routing)}  # fmt: skip
    keep(output / "routing", job.as_of, job.version, parts)
    others = {"fairness": found.fair, "pools": pools_table(routing), "missed": missed(routing)}
    publish_routes(output / "routes", job.version, found.table, others)
    history = History(output / "scoring")
    with holding(history.folder):
        scores = _scores(job)
        deliver(job, history, with_routes(scores, found.table), not_scored(job, scores), history.run_of(job.as_of))


def changed(settings: RoutingSettings, what_if: Sequence[str]) -> RoutingSettings:
    """The settings with others in place: `capacity=12` for the hours of every owner, `capacity.sales=5` for one, or
    another of CHANGEABLE. Raises SettingsError for anything else.
    """
    raw = settings.model_dump()
    for text in what_if:
        name, _, value = text.partition("=")
        head, _, owner = name.partition(".")
        number = _number(text, value)
        if head != "capacity" and name in CHANGEABLE:
            raw[name] = number if name == "price_floor" else int(number)
        elif head == "capacity":
            owners = [one["name"] for one in raw["owners"]]
            if owner and owner not in owners:
                raise SettingsError(f"no owner '{owner}'", where="--what-if", fix=nearest(owner, owners))
            for one in raw["owners"]:
                one["hours"] = number if owner in ("", one["name"]) else one["hours"]
        else:
            raise SettingsError(f"'{name}' cannot be changed here", where="--what-if", fix=nearest(name, CHANGEABLE))
    try:
        return RoutingSettings.model_validate(raw)
    except ValueError:
        raise SettingsError(f"'{' '.join(what_if)}' is not possible", where="--what-if",
                            expected="a number the settings could hold") from None  # fmt: skip


def _number(text: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise SettingsError(f"'{text}' has no number", where="--what-if", expected="capacity=12") from None
