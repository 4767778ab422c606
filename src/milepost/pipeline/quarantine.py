"""Write the rows that were left out, with their reasons, where people can look into them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd

from milepost.data.publish import spreadsheet_safe, write_atomic
from milepost.data.rejects import LINE, REASON, rejected
from milepost.pipeline.job import Job


def write_quarantine(job: Job) -> tuple[Path, ...]:
    """One CSV file per table with rows that were left out; a file of a table that has none any longer goes.

    Rows of events on another engine stay there: they are counted only.
    """
    tables, written = job.tables, []
    for count in tables.row_counts:
        path = job.settings.output / "quarantine" / f"{count.table}.csv"
        here = not (count.table == "events" and tables.remote)
        if count.quarantined and here:
            write_atomic(path, partial(_write, job, count.table))
            written.append(path)
        else:
            path.unlink(missing_ok=True)
    return tuple(written)


def _write(job: Job, name: str, path: Path) -> None:
    """The header has the columns of the source; lines that are no row have none of them."""
    columns = [REASON, LINE, *job.tables.connection.table(f"rejected_{name}").columns[1:]]
    with path.open("w", encoding="utf-8", newline="") as stream:
        spreadsheet_safe(pd.DataFrame(columns=columns)).to_csv(stream, index=False)
        for frame in rejected(job.tables.connection, name):
            spreadsheet_safe(frame.reindex(columns=columns)).to_csv(stream, index=False, header=False)
