"""`milepost metrics together`: support beside retention and expansion, adjusted and graded."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pandas as pd

from milepost.data.publish import publish, spreadsheet_safe
from milepost.errors import InputError, NotEnoughData
from milepost.experiments.together import factors, grade_all, together
from milepost.importance.ranking import require_enough
from milepost.metrics.retention import records
from milepost.pipeline.alarms import headed
from milepost.pipeline.goals import rows_for
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, shown, table
from milepost.terms import Goal

GOALS = (Goal.RETAINED, Goal.EXPANDED)
TOGETHER = "metrics_together"  # the folder
_WIDTH = 100


def together_job(job: Job) -> Result:
    """Measure every factor beside every goal and publish out/metrics_together/together.csv and .parquet.

    Raises InputError where these data hold neither conversations nor help events, NotEnoughData when too few churned.
    """
    measured, missing = [], []
    for goal in GOALS:
        try:
            observations, outcomes = rows_for(job, goal)
            require_enough(observations, outcomes, job.settings, goal)
        except NotEnoughData as error:
            missing.append(f"{goal}: {error.what}")
            continue
        given = factors(observations, job.settings.help.read_events)
        if not given:
            raise InputError("no conversations and no help content to look at", where="milepost.toml",
                             fix="add [tables.conversations], or read_events under [help]")  # fmt: skip
        job.progress(f"support beside accounts {goal}: {len(given)} comparisons")
        measured += together(observations, outcomes, str(goal), given, job.settings.project.seed)
    if not measured:
        raise NotEnoughData("; ".join(missing), where="outcomes", fix="wait for more outcomes")
    rows = grade_all(measured).assign(run_id=job.run_id)
    folder = job.settings.output / TOGETHER
    publish(folder, job.version, lambda target: _write(target / "together", rows))
    answer = {"rows": rows.to_dict("records"), "missing": missing, "path": str(folder)}
    return headed(Result(answer, "\n\n".join([_text(rows), *missing, shown(folder)])), job.alarms.texts)


def _write(path: Path, rows: pd.DataFrame) -> None:
    rows.to_parquet(path.with_suffix(".parquet"), index=False)
    spreadsheet_safe(rows).to_csv(path.with_suffix(".csv"), index=False)


def _text(rows: pd.DataFrame) -> str:
    """A table per goal; below them what each factor is, and why what is shown is no more than it is called."""
    parts = []
    for goal, mine in rows.groupby("goal", sort=False):
        cells = [
            [row["factor"], f"{row['effect']:+.1f}", f"{row['low']:+.1f} to {row['high']:+.1f}", f"{row['raw']:+.1f}",
             f"{row['q']:.2g}", f"{row['accounts_with']:,}", f"{row['accounts_without']:,}", row["grade"]]
            for row in records(mine)
        ]  # fmt: skip
        head = ["", "points", "95 % interval", "raw", "q", "with", "without", "grade"]
        parts += [f"Accounts {goal}: points more often, at equal plan, size, age, depth of use and conversations",
                  table(head, cells)]  # fmt: skip
    meant = dict(zip(rows["factor"], rows["words"], strict=True))
    lines = [f"{factor}: {words}" for factor, words in meant.items()]
    lines += [f"{row['goal']}, {row['factor']}: {row['because']}" for row in records(rows) if row["because"]]
    said = "\n".join(textwrap.fill(line, _WIDTH, subsequent_indent="  ") for line in lines)
    return "\n\n".join([*parts, said, textwrap.fill(_CAUTION, _WIDTH)])


_CAUTION = (
    "Associations: who is answered fast, satisfied or reading is not drawn by lot. Of what is worth a test, an "
    "experiment tells whether it helps."
)
