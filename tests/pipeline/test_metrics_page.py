"""Metrics on the page: counted by a run, read back for the same date only."""

from __future__ import annotations

from datetime import date

import pandas as pd

from milepost.data.publish import publish
from milepost.pipeline.metrics_page import counted_part, published_part
from milepost.pipeline.metrics_together import TOGETHER


def test_what_is_counted_is_kept_and_read_back(make_job, product):
    made = counted_part(make_job(date(2024, 5, 10)))
    assert made is not None
    again = published_part(make_job(date(2024, 5, 10)))
    assert again is not None
    assert (again.start, again.end) == (made.start, made.end) == (date(2023, 5, 10), date(2024, 5, 10))
    values = [frame.rows[["metric", "segment", "value"]].reset_index(drop=True) for frame in (made, again)]
    pd.testing.assert_frame_equal(*values)
    assert published_part(make_job(date(2024, 5, 11))) is None


def test_alerts_stand_on_the_page(make_job, product):
    path = product / "milepost.toml"
    path.write_text(path.read_text() + "[[metrics.alerts]]\nmetric = 'mrr_closing'\nbelow = 1e6\n", encoding="utf-8")
    made = counted_part(make_job())
    assert made is not None
    assert made.alerts == ("mrr_closing (total) is 550, below 1e+06",)


def test_without_subscriptions_nothing_is_counted(make_job, product):
    path = product / "milepost.toml"
    path.write_text(path.read_text().partition("[tables.subscriptions]")[0], encoding="utf-8")
    assert counted_part(make_job()) is None
    assert not (product / "out" / "metrics").exists()


def test_a_comparison_of_other_data_is_not_shown(make_job, product):
    job = make_job()
    for run, shown in ((job.run_id, 1), ("another", 0)):
        rows = pd.DataFrame({"factor": ["satisfied"], "run_id": [run]})
        publish(product / "out" / TOGETHER, f"v-{run}",
                lambda target, rows=rows: rows.to_parquet(target / "together.parquet", index=False))  # fmt: skip
        part = counted_part(make_job())
        assert part is not None
        assert len(part.together) == shown
