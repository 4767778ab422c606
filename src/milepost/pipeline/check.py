"""`milepost check`: read every table, say where each row went and what was found."""

from __future__ import annotations

from dataclasses import asdict

from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, table
from milepost.signals.catalogue import check_events


def check_tables(job: Job) -> Result:
    """Open everything, check the catalogue against the events; writes nothing."""
    tables = job.tables
    check_events(job.features, job.event_names, job.settings.project.features)
    matured = [day for day in job.snapshots if job.windows.matured_at(day) <= tables.complete_until]
    uncatalogued = sorted(set(job.event_names) - {name for f in job.features for name in f.event_names})
    facts = [
        ["data from", f"{tables.data_begin:%Y-%m-%d}"],
        ["complete until", f"{tables.complete_until:%Y-%m-%d %H:%M}"],
        ["scored as of", str(job.as_of)],
        ["snapshots", f"{len(job.snapshots)}, of which {len(matured)} with a known outcome"],
        ["features", f"{len(job.features)} in {len({f.category for f in job.features})} categories"],
        ["events outside the catalogue", shortened(uncatalogued)],
    ]  # fmt: skip
    answer = {
        "tables": [asdict(count) for count in tables.row_counts],
        "findings": [{**asdict(finding), "verdict": str(finding.verdict)} for finding in tables.findings],
        "data_begin": tables.data_begin.isoformat(),
        "complete_until": tables.complete_until.isoformat(),
        "snapshots": [str(day) for day in job.snapshots],
        "snapshots_with_outcome": len(matured),
        "features": len(job.features),
        "events_outside_catalogue": uncatalogued,
        "fingerprint": tables.fingerprint,
    }
    text = "\n".join(f"{name:<30}{value}" for name, value in facts)
    return Result(answer, f"{accounting(job)}\n\n{text}\n\n{findings(job)}")


def accounting(job: Job) -> str:
    """Where the rows of each table went, as a table."""
    rows = [
        [c.table, *(f"{number:,}" for number in (c.read, c.used, c.quarantined, c.deduplicated, c.outside))]
        for c in job.tables.row_counts
    ]
    return table(["table", "read", "used", "quarantined", "deduplicated", "outside"], rows)


def findings(job: Job) -> str:
    """What was found, one line each."""
    lines = [f"{f.verdict}: {f.where}: {f.check} ({f.count:,}); {f.what_to_do}" for f in job.tables.findings]
    return "\n".join(lines) or "nothing found that needs attention"


def shortened(names: list[str], most: int = 6) -> str:
    """The first few names, or "none"."""
    return ", ".join(names[:most]) + (" …" if len(names) > most else "") or "none"
