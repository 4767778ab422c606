"""`milepost check`: read every table, say where each row went and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from milepost.data.arrivals import find_arrivals, find_gaps
from milepost.data.contract import Finding
from milepost.data.expectations import Expectation, Standing, gaps, judge
from milepost.data.subscriptions import churned_accounts
from milepost.pipeline.job import Job
from milepost.pipeline.quarantine import write_quarantine
from milepost.pipeline.result import Result, shown, table
from milepost.terms import Action
from milepost.windows import midnight


def check_tables(job: Job) -> Result:
    """Open everything, check the catalogue against the events; writes nothing but the rows that were left out."""
    tables = job.tables
    job.check_names()
    left_out = write_quarantine(job)
    matured = [day for day in job.snapshots if job.windows.matured_at(day) <= tables.complete_until]
    churned = churned_within(job)
    found = (*tables.findings, *too_few(job, churned))
    unseen = sorted(job.wanted_names - set(job.event_names))
    uncatalogued = sorted(set(job.event_names) - {name for f in job.features for name in f.event_names})
    since = f"since the first outcome window, {job.windows.outcome(job.snapshots[0])[0]:%Y-%m-%d}"
    categories = len({feature.category for feature in job.features})
    facts = [
        ["data from", f"{tables.data_begin:%Y-%m-%d}"],
        ["complete until", f"{tables.complete_until:%Y-%m-%d %H:%M}"],
        ["scored as of", str(job.as_of)],
        ["snapshots", f"{len(job.snapshots)}, of which {len(matured)} with a known outcome"],
        *([["churned accounts", f"{churned:,} {since}"]] if churned is not None else []),
        ["features", f"{len(job.features)} in {categories} {'category' if categories == 1 else 'categories'}"],
        ["events outside the catalogue", shortened(uncatalogued)],
        *([["events not seen yet", shortened(unseen)]] if unseen else []),
    ]  # fmt: skip
    answer = {
        "tables": [asdict(count) for count in tables.row_counts],
        "findings": [{**asdict(finding), "verdict": str(finding.verdict)} for finding in found],
        "data_begin": tables.data_begin.isoformat(),
        "complete_until": tables.complete_until.isoformat(),
        "snapshots": [str(day) for day in job.snapshots],
        "snapshots_with_outcome": len(matured),
        "churned_accounts": churned,
        "features": len(job.features),
        "events_outside_catalogue": uncatalogued,
        "events_not_seen_yet": unseen,
        "fingerprint": tables.fingerprint,
        "quarantine": [shown(path) for path in left_out],
    }
    text = "\n".join(f"{name:<30}{value}" for name, value in facts)
    expected = expectations(job)
    answer |= {"expectations": [asdict(one) for one in expected], "standing": str(standing(expected))}
    parts = (accounting(job), text, finding_lines(found), expectation_lines(expected))
    return Result(answer, "\n\n".join(parts), unmet(expected))


def expectations(job: Job) -> tuple[Expectation, ...]:
    """What is expected of every table, judged at the date asked for, or now."""
    settings, moment = job.settings, midnight(job.asked) if job.asked else job.now
    given = settings.data.complete_until
    if given is not None and job.asked is None:
        # the data are said to end there: later days are not awaited
        moment = min(moment, job.tables.complete_until)
    essential = {*settings.data.value_events, *settings.milestones.value_metric.events}
    sources = settings.tables.given()
    found = [
        one
        for arrivals in find_arrivals(job.tables, settings, moment)
        for one in judge(arrivals, sources[arrivals.table], settings.contract, moment, essential)
    ]
    gap = gaps(find_gaps(job.tables, {feature.name for feature in job.features}), settings.contract)
    return (*found, *gap)


def standing(expected: Sequence[Expectation]) -> Standing:
    """The worst of all."""
    order = (Standing.ERROR, Standing.WARN, Standing.OK)
    return next((one for one in order if any(e.standing is one for e in expected)), Standing.CANNOT_TELL)


def expectation_lines(expected: Sequence[Expectation]) -> str:
    """How many expectations are met, and a line for each that is not."""
    counts = Counter(str(one.standing) for one in expected)
    head = ", ".join(f"{counts[str(one)]} {str(one).replace('_', ' ')}" for one in Standing)
    lines = [f"{one.standing}: {one.where}: {one.because}; {one.what_to_do}"
             for one in expected if one.standing in (Standing.WARN, Standing.ERROR)]  # fmt: skip
    return "\n".join([f"expectations: {head}", *lines])


def unmet(expected: Sequence[Expectation]) -> str:
    """Why the gate says no, "" where no expectation is in error."""
    wrong = [f"{one.where}: {one.because}" for one in expected if one.standing is Standing.ERROR]
    rest = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return f"the data are not as expected: {wrong[0]}{rest}" if wrong else ""


def churned_within(job: Job) -> int | None:
    """Accounts whose end lies in the data where it may be foretold, a few more than training sees; None without
    subscriptions."""
    tables, windows = job.tables, job.windows
    if tables.subscriptions is None:
        return None
    first, _ = windows.outcome(job.snapshots[0])
    return churned_accounts(tables.subscriptions, windows.grace_days, first, tables.complete_until)


def too_few(job: Job, churned: int | None) -> tuple[Finding, ...]:
    """A warning when training is bound to stop for want of churned accounts."""
    needed = job.settings.training.min_churned
    if churned is None or churned >= needed:
        return ()
    advice = f"{needed} are needed in the training period: give a longer history"
    return (Finding("too few churned accounts for a model", "subscriptions", churned, Action.WARN, advice),)


def accounting(job: Job) -> str:
    """Where the rows of each table went, as a table."""
    rows = [
        [c.table, *(f"{number:,}" for number in (c.read, c.used, c.quarantined, c.deduplicated, c.outside))]
        for c in job.tables.row_counts
    ]
    return table(["table", "read", "used", "quarantined", "deduplicated", "outside"], rows)


def findings(job: Job) -> str:
    """What was found in the tables, one line each."""
    return finding_lines(job.tables.findings)


def finding_lines(found: Sequence[Finding]) -> str:
    """Findings, one line each."""
    lines = [f"{f.verdict}: {f.where}: {f.check} ({f.count:,}); {f.what_to_do}" for f in found]
    return "\n".join(lines) or "nothing found that needs attention"


def shortened(names: list[str], most: int = 6) -> str:
    """The first few names, or "none"."""
    return ", ".join(names[:most]) + (" …" if len(names) > most else "") or "none"
