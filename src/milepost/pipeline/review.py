"""`milepost review`: what became of every part of the framework in the cohorts that came since it was made."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.publish import publish, spreadsheet_safe
from milepost.errors import EnvironmentFault, InputError
from milepost.framework import Framework
from milepost.importance.design import Design, make_design, ranked_rows, standardised
from milepost.maturity.cuts import find_cut
from milepost.outcomes import Outcomes
from milepost.pipeline.framework_file import read_framework
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, shown, table
from milepost.pipeline.review_challenge import challenge_claim
from milepost.pipeline.review_drift import drift_claims
from milepost.pipeline.review_leads import lead_claims
from milepost.pipeline.review_risk import in_use, risk_claims
from milepost.pipeline.review_states import states_of
from milepost.reporting.review_page import review_page
from milepost.review.agreement import Agreement, agreement
from milepost.review.band import band_claims
from milepost.review.change import Rows
from milepost.review.parts import (
    Part,
    Standing,
    State,
    compare,
    data_parts,
    folded,
    judge,
)
from milepost.review.shifts import plans, uses
from milepost.review.spells import spells
from milepost.signals.matrix import Observations
from milepost.terms import SNAPSHOT
from milepost.tracking.log import RunRecord, log_run

Flags = NDArray[np.bool_]
_ORDER = [Standing.BROKEN, Standing.WEAKENING, Standing.CANNOT_TELL, Standing.HOLDS]


@dataclass(frozen=True)
class Review:
    """A finished review: parts, what calls for action first; cohorts and churned accounts before the date, and since;
    note: what to know about it, or "". order: of the features before and since, None with too few.
    """

    since: date
    as_of: date
    framework_version: int
    parts: tuple[Part, ...]
    cohorts: tuple[int, int]
    churned: tuple[int, int]
    note: str
    order: Agreement | None = None

    @property
    def told(self) -> tuple[str, ...]:
        """What risk, drift and leads were found to be, a sentence each, where no alarm tells it."""
        parts = [part for part in self.parts if part.kind in ("risk", "drift", "leads") and not part.alarm]
        return tuple(f"{part.kind.capitalize()}, {part.name}: {part.because}." for part in parts)

    @property
    def alarms(self) -> tuple[Part, ...]:
        """The parts that call for action."""
        return tuple(part for part in self.parts if part.alarm)

    @property
    def headline(self) -> str:
        """The answer in one sentence."""
        counts = [f"{sum(part.standing == one for part in self.parts)} {_plural(one)}" for one in _ORDER]
        return (
            f"Of {len(self.parts)} parts of framework version {self.framework_version}, {', '.join(counts)}, by "
            f"{self.cohorts[1]} cohorts with {self.churned[1]:,} churned accounts whose outcome lies after "
            f"{self.since}."
        )


def find_review(job: Job, since: date | None = None, challenged: bool = False) -> Review:
    """Review the framework; since: None for the date of the data it was made from. challenged: train anew as well.

    Raises InputError without a framework, or for a date that leaves no matured cohort before it.
    """
    framework = read_framework(job)
    if framework is None:
        raise InputError("there is no framework to review", where=job.settings.framework.name,
                         fix="run 'milepost derive' first")  # fmt: skip
    asked = since or framework.created
    job.progress(f"review: what came since {asked}")
    rows, states, given, design = _rows(job, asked, framework)
    days, late = rows.context[SNAPSHOT].to_numpy(), given.now
    used = uses(job.observations, np.datetime64(asked))
    changes = compare(given, states)
    kept_names = [name for category in framework.categories for name in category.features]
    found, stopped = in_use(job), [one.feature for one in used if one.broken]
    claims = [*risk_claims(job, asked, found), *drift_claims(job, asked, found, stopped)]
    claims += [challenge_claim(job, found)] if challenged else []
    claims += lead_claims(job, asked, framework)
    claims += band_claims(kept_names, job.current, job.settings.adoption)
    judged = judge(changes, used, given, _best_cuts(job, rows, design.take(late), framework, late), claims)
    judged = folded(judged, "adoption", "kept features lie within the benchmark")
    parts = sorted((*judged, *data_parts(used, plans(job.observations.context, np.datetime64(asked)))),
                   key=lambda part: _ORDER.index(part.standing))  # fmt: skip
    cohorts = len(np.unique(days[~late])), len(np.unique(days[late]))
    return Review(asked, job.as_of, framework.version, tuple(parts), cohorts, given.churned_accounts,
                  _note(framework, asked, cohorts[1], job), agreement(parts, job.settings.project.seed))  # fmt: skip


def _rows(job: Job, since: date, framework: Framework) -> tuple[Observations, list[State], Rows, Design]:
    """What is compared: the observations, the states of the framework's parts, and the outcomes and controls of them.

    Raises InputError when nothing had matured by the date.
    """
    if job.times is None:
        return _by_windows(job, since, framework)
    old = np.flatnonzero(job.observations.context["tenure_days"].to_numpy() >= job.settings.signals.min_tenure_days)
    seen, windows = job.observations.take(old), job.windows
    days = seen.context[SNAPSHOT].to_numpy(dtype="datetime64[D]")
    _check_matured(days, since, job)
    told = spells(days, job.times.take(old), windows, since)
    rows, span = seen.take(told.row), (told.begins + windows.gap_days, told.ends + windows.gap_days)
    unknown, none = np.full(len(told.row), np.nan, dtype=np.float32), np.full(len(told.row), "")
    design = make_design(rows, Outcomes(told.left.astype(np.float32), unknown, unknown, none), span)
    length = standardised(np.log(told.ends - told.begins)[:, None])
    controls = np.column_stack([design.controls, length])
    given = Rows(design.churned, design.codes, controls, np.unique(days, return_inverse=True)[1][told.row], told.now)
    states = [replace(state, values=state.values[told.row]) for state in states_of(job, seen, framework)]
    return rows, states, given, design


def _by_windows(job: Job, since: date, framework: Framework) -> tuple[Observations, list[State], Rows, Design]:
    """The same by whole outcome windows, where there is no history that says when accounts left."""
    rows, found = ranked_rows(job.observations.take(job.learnable), job.outcomes.take(job.learnable), job.settings)
    kept, late = _sides(rows, since, job)
    rows, found = rows.take(kept), found.take(kept)
    days = rows.context[SNAPSHOT].to_numpy()
    _check_matured(days, since, job)
    design = make_design(rows, found)
    given = Rows(design.churned, design.codes, design.controls, np.unique(days, return_inverse=True)[1], late)
    return rows, states_of(job, rows, framework), given, design


def _check_matured(days: NDArray[np.datetime64], since: date, job: Job) -> None:
    certain = days.astype("datetime64[D]") + np.timedelta64(job.windows.purge_days, "D") <= np.datetime64(since)
    if not certain.any():
        raise InputError(f"no cohort had matured by {since}", where="--since", fix="choose a later date")


def _sides(rows: Observations, since: date, job: Job) -> tuple[Flags, Flags]:
    """Rows whose outcome was certain by the date, or began on it or later, bool [rows]; of these, which began later.

    An outcome that lies across the date would blur what changed at it.
    """
    days, windows = rows.context[SNAPSHOT].to_numpy(dtype="datetime64[D]"), job.windows
    certain: Flags = np.less_equal(days + np.timedelta64(windows.purge_days, "D"), np.datetime64(since))
    later: Flags = np.greater_equal(days + np.timedelta64(windows.gap_days, "D"), np.datetime64(since))
    kept: Flags = certain | later
    return kept, later[kept]


def _best_cuts(
    job: Job, rows: Observations, design: Design, framework: Framework, late: Flags
) -> dict[str, int | None]:
    """Category -> the cut that parts best on the new cohorts."""
    if not late.any() or not 0 < design.churned.sum() < len(design.churned):
        return {}
    names = [feature.name for feature in rows.features]
    used, least = rows.adopted[late], job.settings.adoption.min_accounts
    return {
        one.name: find_cut(
            design, used[:, [names.index(name) for name in one.features]].sum(axis=1).astype(np.intp), least
        ).candidate
        for one in framework.categories
        if one.cut is not None
    }


def _note(framework: Framework, since: date, cohorts: int, job: Job) -> str:
    if not cohorts:
        first = since + timedelta(days=job.windows.purge_days)
        return f"No cohort whose outcome begins after {since} has matured by {job.as_of}: the first does about {first}."
    if framework.created > since:
        return (
            f"The framework was made from data up to {framework.created}: it has seen these cohorts, so this shows "
            "what would have been said, and alarms less than on cohorts it has not seen."
        )
    return ""


def review_frame(review: Review) -> pd.DataFrame:
    """One row per part, in the review's order; odds_then and odds_now are factors on the odds of staying."""
    return pd.DataFrame([_row(review, part) for part in review.parts])


def _row(review: Review, part: Part) -> dict[str, object]:
    names = ("then", "then_low", "then_high", "now", "now_low", "now_high")
    figures = {f"odds_{name}": float(np.exp(getattr(part.change, name))) if part.change else np.nan for name in names}
    return {
        "as_of": review.as_of.isoformat(), "since": review.since.isoformat(), "kind": part.kind, "part": part.name,
        "standing": str(part.standing), **figures, "q": part.q, "because": part.because,
        "what_to_do": part.what_to_do,
    }  # fmt: skip


def review_json(review: Review) -> dict[str, object]:
    """The `review` part of the answer."""
    keys = ("kind", "name", "standing", "because", "what_to_do", "q")
    return {
        "since": review.since, "as_of": review.as_of, "framework_version": review.framework_version,
        "cohorts": review.cohorts, "churned": review.churned, "headline": review.headline, "note": review.note,
        "order": review.order and asdict(review.order),
        "parts": [
            {**{key: getattr(part, key) for key in keys}, "change": part.change and asdict(part.change)}
            for part in review.parts
        ],
    }  # fmt: skip


def review_text(review: Review) -> str:
    """The parts in 100 columns, and in words what calls for action."""
    rows = [[part.kind, part.name[:28], str(part.standing), _odds(part, "then"), _odds(part, "now")]
            for part in review.parts]  # fmt: skip
    head = textwrap.fill(review.headline, 100, subsequent_indent="  ")
    said = [textwrap.fill(text, 100, subsequent_indent="  ") for part in review.alarms for text in (_told(part),)]
    note = [textwrap.fill(review.note, 100, subsequent_indent="  ")] if review.note else []
    body = table(["kind", "part", "standing", "odds before", "odds since"], rows)
    order = [textwrap.fill(review.order.text, 100, subsequent_indent="  ")] if review.order else []
    told = [textwrap.fill(text, 100, subsequent_indent="  ") for text in review.told]
    blocks = [head, *note, *order, body, *("\n".join(part) for part in (told, said) if part)]
    return "\n\n".join(blocks)


def _told(part: Part) -> str:
    return f"{part.kind} {part.name} is {part.standing}: {part.because}. To do: {part.what_to_do}."


def _odds(part: Part, when: str) -> str:
    if part.change is None or not part.change.enough:
        return "–"
    middle, low, high = (float(np.exp(getattr(part.change, f"{when}{end}"))) for end in ("", "_low", "_high"))
    return f"{middle:.2f} [{low:.2f}, {high:.2f}]"


def _plural(standing: Standing) -> str:
    return {Standing.HOLDS: "hold", Standing.BROKEN: "broken", Standing.WEAKENING: "weakening"}.get(
        standing, "cannot be told yet"
    )


def keep(job: Job, review: Review) -> Path:
    """Publish review.parquet, review.csv and review.html as one version; returns the page."""
    frame, page = review_frame(review), review_page(review.headline, _page_facts(job, review), review.parts)
    folder = job.settings.output / "review"

    def write(target: Path) -> None:
        frame.to_parquet(target / "review.parquet", index=False)
        spreadsheet_safe(frame).to_csv(target / "review.csv", index=False)
        (target / "review.html").write_text(page, encoding="utf-8")

    publish(folder, f"{review.as_of}-{job.now:%Y%m%dT%H%M%S%f}", write)
    return folder / "review.html"


def _page_facts(job: Job, review: Review) -> dict[str, str]:
    return {"project": job.settings.project.name, "as_of": str(review.as_of), "since": str(review.since),
            "note": review.note, "order": review.order.text if review.order else ""}  # fmt: skip


def review_job(job: Job, since: date | None = None, challenged: bool = False) -> Result:
    """Review, publish, log to MLflow; the gate says no where anything is weakening or broken.

    Raises EnvironmentFault, after publishing, when MLflow cannot take it.
    """
    review = find_review(job, since, challenged)
    page = keep(job, review)
    try:
        run = log_run(job.settings.mlruns, _record(job, review, page))
    except EnvironmentFault as error:
        raise EnvironmentFault(f"the review is published, but not logged to MLflow: {error.what}",
                               where=error.where, fix=error.fix) from None  # fmt: skip
    text = f"{review_text(review)}\n\n{shown(page)}\nMLflow run: {run}"
    gate = ", ".join(f"{part.kind} {part.name} {part.standing}" for part in review.alarms)
    return Result({"review": review_json(review), "page": str(page), "run": run}, text, gate and f"review: {gate}")


def _record(job: Job, review: Review, page: Path) -> RunRecord:
    counts = {str(one).replace(" ", "_"): float(sum(part.standing == one for part in review.parts)) for one in _ORDER}
    return RunRecord(
        project=job.settings.project.name, run_name=f"review {review.as_of}", description=review.headline,
        params={"since": review.since, "framework_version": review.framework_version},
        metrics={**counts, "cohorts": float(review.cohorts[1]), "churned_accounts": float(review.churned[1])},
        tags={"kind": "review"}, artifacts={"review.html": page, "review.csv": page.with_name("review.csv")},
    )  # fmt: skip
