"""`milepost check`: where every row went, what was found, and nothing written."""

import pytest

from milepost.errors import CatalogueError
from milepost.pipeline.check import check_tables, shortened


def test_facts_and_accounting(make_job, product):
    before = sorted(product.rglob("*"))
    result = check_tables(make_job())
    answer = result.as_json()
    events = next(count for count in answer["tables"] if count["table"] == "events")
    assert events["read"] == events["used"] == len((product / "events.csv").read_text().splitlines()) - 1
    assert answer["data_begin"] == "2024-01-01T00:00:00"
    assert answer["complete_until"] == "2024-06-30T12:00:00"
    assert len(answer["snapshots"]) == 6
    assert answer["snapshots_with_outcome"] == 4
    assert answer["events_outside_catalogue"] == ["login"]
    assert "6, of which 4 with a known outcome" in result.as_text()
    assert "2 in 2 categories" in result.as_text()
    assert "nothing found that needs attention" in result.as_text()
    assert sorted(product.rglob("*")) == before


def test_a_row_that_cannot_be_used_is_counted_and_named(make_job, product):
    path = product / "events.csv"
    path.write_text(path.read_text() + "nobody,2024-02-01,macro\na01,2025-02-30,macro\n", encoding="utf-8")
    result = check_tables(make_job())
    events = next(count for count in result.as_json()["tables"] if count["table"] == "events")
    assert events["quarantined"] == 2
    assert events["read"] == events["used"] + 2
    assert "account unknown in accounts" in result.as_text()


def test_the_catalogue_is_checked_against_the_events(make_job, product):
    (product / "features.csv").write_text("feature,event_names,category\na,macr,b\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="did you mean 'macro'"):
        check_tables(make_job())


def test_long_lists_are_shortened():
    assert shortened([]) == "none"
    assert shortened(["a", "b"]) == "a, b"
    assert shortened(list("abcdefg")) == "a, b, c, d, e, f …"
