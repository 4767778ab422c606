"""Next steps of a job: the evidence of every step, published by derive, and what each account lacks, for the scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.adoption import available
from milepost.data.publish import current
from milepost.errors import InputError
from milepost.framework import Framework
from milepost.importance.ranking import Ranking
from milepost.importance.verdicts import plain
from milepost.milestones.definitions import Evidence, Milestones
from milepost.milestones.journey import Held
from milepost.milestones.takeup import row_later, taken_up
from milepost.milestones.utilization import days_of, monthly
from milepost.pipeline.job import Job
from milepost.pipeline.milestones import held_by
from milepost.scoring.next_step import TABLE, Lack, next_steps
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT, Milestone

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


def steps_table(job: Job, framework: Framework, ranking: Ranking, found: Milestones) -> pd.DataFrame:
    """What is known of every step of the framework, columns TABLE: points, and the share that takes it.

    For a step of the set-up, activation and utilization the points are those of the next milestone or of retention, as
    its definition was confirmed; for a feature its total effect on retention.
    """
    lines: list[dict[str, object]] = []
    if found.setup is not None and framework.setup is not None:
        known = found.setup.table.set_index("step").reindex(list(framework.setup.steps))
        lines += [
            _line(Milestone.SETUP, str(row.Index), (row.effect, row.low, row.high), row.share, 0)
            for row in known.itertuples()
        ]  # fmt: skip
    if framework.activation is not None:
        lines.append(_of(Milestone.ACTIVATION, framework.activation.evidence))
    later = row_later(job.observations, days_of(job.observations.context[SNAPSHOT]))
    if framework.utilization is not None:
        utilized = held_by(job, framework, job.observations).utilized
        line = _of(Milestone.UTILIZATION, framework.utilization.evidence)
        if utilized is not None:
            share, rows = taken_up((utilized == 1)[:, None], ~np.isnan(utilized)[:, None], later)
            line |= {"reach": share[0], "rows": rows[0]}
        lines.append(line)
    return pd.DataFrame([*lines, *_features(job.observations, framework, ranking, later)], columns=TABLE)


def _features(
    observations: Observations, framework: Framework, ranking: Ranking, later: NDArray[np.intp]
) -> list[dict[str, object]]:
    names = [name for category in framework.categories for name in category.features]
    columns = _columns(observations, names)
    share, rows = taken_up(observations.adopted[:, columns], available(observations)[:, columns], later)
    effects = {row.feature: (row.effect, row.low, row.high) for row in ranking.evidence}
    unknown = (np.nan, np.nan, np.nan)
    return [
        _line(Milestone.MATURITY, name, effects.get(name, unknown), share[place], int(rows[place]))
        for place, name in enumerate(names)
    ]


def _columns(observations: Observations, names: list[str]) -> list[int]:
    position = {feature.name: column for column, feature in enumerate(observations.features)}
    return [position[name] for name in names]


def _of(milestone: Milestone, evidence: Evidence) -> dict[str, object]:
    points = evidence.effect, evidence.low, evidence.high
    return _line(milestone, milestone.value, points, evidence.share, evidence.accounts)


def _line(
    milestone: Milestone, step: str, points: tuple[object, object, object], reach: object, rows: int
) -> dict[str, object]:
    effect, low, high = points
    return dict(zip(TABLE, (milestone.value, step, effect, low, high, reach, rows), strict=True))


def next_steps_at(job: Job, framework: Framework, rows: Observations, held: Held) -> pd.DataFrame:
    """The next step of every row, in the rows' order; without published evidence the steps stand without figures."""
    return next_steps(lacks_at(job, framework, rows, held), _published(job), len(rows.context), framework.proven)


def _published(job: Job) -> pd.DataFrame:
    try:
        return pd.read_parquet(current(job.settings.output / "milestones") / "next_steps.parquet")
    except (InputError, OSError, ValueError):
        return pd.DataFrame(columns=TABLE)


def lacks_at(job: Job, framework: Framework, rows: Observations, held: Held) -> list[Lack]:
    """What every row lacks of every milestone that is defined, in their order, and then of all features."""
    lacks = [
        _of_setup(job, framework, rows, held), _of_activation(job, framework, rows, held),
        _of_utilization(job, framework, rows, held), _of_maturity(framework, rows, held), _beyond(framework, rows),
    ]  # fmt: skip
    return [lack for lack in lacks if lack is not None]


def _in_time(job: Job, rows: Observations, reached: NDArray[np.int64], within: int) -> tuple[Flags, NDArray[np.intp]]:
    """Rows that have not reached a milestone of the first days and still may, and the code of each row."""
    lives, day = job.lives, days_of(rows.context[SNAPSHOT])
    codes = lives.codes(rows.context[ACCOUNT])
    open_ = (codes >= 0) & ~lives.before_data[codes] & (day < lives.created[codes] + within)
    return np.asarray(open_ & ~(reached[codes] < day)), codes


def _of_setup(job: Job, framework: Framework, rows: Observations, held: Held) -> Lack | None:
    rule = framework.setup
    if rule is None or rule.needed is None or held.set_up_on is None:
        return None
    asked, codes = _in_time(job, rows, held.set_up_on, rule.within_days)
    day = days_of(rows.context[SNAPSHOT])
    done = np.column_stack([job.lives.steps[step][codes] < day for step in rule.steps])
    tail = np.array([
        f"; {number} of {rule.needed} steps done, within the first {rule.within_days} days"
        for number in range(len(rule.steps) + 1)
    ], dtype=object)  # fmt: skip
    words = np.column_stack([f"Set up '{step}'" + tail[done.sum(axis=1)] for step in rule.steps])
    return Lack(Milestone.SETUP, asked, rule.steps, ~done, words)


def _of_activation(job: Job, framework: Framework, rows: Observations, held: Held) -> Lack | None:
    rule = framework.activation
    if rule is None or not rule.count or not rule.days or held.activated_on is None or job.lives.value is None:
        return None
    asked, codes = _in_time(job, rows, held.activated_on, rule.days)
    day, begin = days_of(rows.context[SNAPSHOT]), job.lives.created[codes]
    have = job.lives.value.between(codes, begin, day)
    last = (begin + rule.days - 1).astype("datetime64[D]")
    words = np.full((len(asked), 1), "", dtype=object)
    words[asked, 0] = [
        f"{plain(rule.count - number)} more of {rule.event} by {date}; {plain(number)} of {rule.count} so far"
        for number, date in zip(have[asked], last[asked], strict=True)
    ]
    return Lack(Milestone.ACTIVATION, asked, (Milestone.ACTIVATION.value,), np.ones((len(asked), 1), bool), words)


def _of_utilization(job: Job, framework: Framework, rows: Observations, held: Held) -> Lack | None:
    rule = framework.utilization
    if rule is None or rule.threshold is None or held.utilized is None:
        return None
    asked = held.utilized == 0
    codes, day = job.lives.codes(rows.context[ACCOUNT]), days_of(rows.context[SNAPSHOT])
    now = monthly(job.lives, codes, day, rule.per)
    words = np.full((len(asked), 1), "", dtype=object)
    words[asked, 0] = [
        f"Raise {rule.metric} a month per {rule.per} from {plain(value)} to {plain(rule.threshold)}"
        for value in now[asked]
    ]  # fmt: skip
    return Lack(Milestone.UTILIZATION, asked, (Milestone.UTILIZATION.value,), np.ones((len(asked), 1), bool), words)


def _of_maturity(framework: Framework, rows: Observations, held: Held) -> Lack | None:
    if held.mature is None:
        return None
    names: list[str] = []
    open_: list[Flags] = []
    words: list[NDArray[np.object_]] = []
    allowed = available(rows)
    for category in framework.categories:
        if category.cut is None:
            continue
        columns = _columns(rows, list(category.features))
        used = rows.adopted[:, columns]
        have = used.sum(axis=1)
        unit = "feature" if category.cut == 1 else "features"
        tail = np.array([
            f": {category.name} is mature from {category.cut} {unit}, {number} in use"
            for number in range(len(columns) + 1)
        ], dtype=object)  # fmt: skip
        names += category.features
        open_.append(allowed[:, columns] & ~used & (have < category.cut)[:, None])
        words += [f"Start with '{name}'" + tail[have] for name in category.features]
    return Lack(Milestone.MATURITY, held.mature == 0, tuple(names), np.column_stack(open_), np.column_stack(words))


def _beyond(framework: Framework, rows: Observations) -> Lack | None:
    """Features of the framework that are not in use, for accounts with nothing else to do."""
    pairs = [(name, category.name) for category in framework.categories for name in category.features]
    if not pairs:
        return None
    columns = _columns(rows, [name for name, _ in pairs])
    open_ = available(rows)[:, columns] & ~rows.adopted[:, columns]
    said = np.array([f"Start with '{name}' of {category}" for name, category in pairs], dtype=object)
    everybody = np.ones(len(open_), dtype=bool)
    return Lack(None, everybody, tuple(name for name, _ in pairs), open_, np.broadcast_to(said, open_.shape))
