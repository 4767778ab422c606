"""`milepost check`: where every row went, what was found, and nothing written."""

from datetime import date

import pytest

from milepost.errors import CatalogueError, SettingsError
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


def test_churned_accounts_are_counted_and_too_few_are_a_warning(make_job, product):
    # a00 left on 2024-04-20; the first outcome window opens on 2024-02-08
    result = check_tables(make_job())
    assert result.as_json()["churned_accounts"] == 1
    assert "churned accounts              1 since the first outcome window, 2024-02-08\n" in result.as_text()
    (finding,) = result.as_json()["findings"]
    assert (finding["where"], finding["count"], finding["verdict"]) == ("subscriptions", 1, "warn")
    assert "warn: subscriptions: too few churned accounts for a model (1); 50 are needed" in result.as_text()
    settings = product / "milepost.toml"
    settings.write_text("[training]\nmin_churned = 2\n" + settings.read_text(), encoding="utf-8")
    spans = product / "subscriptions.csv"
    spans.write_text(spans.read_text().replace("a01,2024-01-01,,", "a01,2024-01-01,2024-05-01,"), encoding="utf-8")
    enough = check_tables(make_job())
    assert enough.as_json()["churned_accounts"] == 2
    assert "nothing found that needs attention" in enough.as_text()
    # on that day a00 and a01 have not left yet
    assert check_tables(make_job(date(2024, 4, 1))).as_json()["churned_accounts"] == 0


def test_without_subscriptions_nobody_is_counted(make_job, product):
    settings = product / "milepost.toml"
    text = settings.read_text().replace('[tables.subscriptions]\npath = "subscriptions.csv"\n', "")
    settings.write_text(text, encoding="utf-8")
    result = check_tables(make_job())
    assert result.as_json()["churned_accounts"] is None
    assert "churned accounts" not in result.as_text()


def test_one_is_singular(make_job, product):
    (product / "features.csv").write_text("feature,event_names,category\na,macro,b\n", encoding="utf-8")
    assert "features                      1 in 1 category\n" in check_tables(make_job()).as_text()


def test_a_value_event_that_never_occurs_is_refused_like_one_of_the_catalogue(make_job, product):
    path = product / "milepost.toml"
    path.write_text('[data]\nvalue_events = ["exprt"]\n' + path.read_text(), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"data.value_events: no event 'exprt' in events; did you mean 'export'"):
        check_tables(make_job())


def test_an_event_of_the_catalogue_that_comes_later_is_said(make_job, product):
    for name, line in (("events.csv", "a01,2024-05-20,bulk\n"), ("features.csv", "bulk,bulk,automation\n")):
        with (product / name).open("a", encoding="utf-8") as stream:
            stream.write(line)
    early = check_tables(make_job(date(2024, 5, 1)))
    assert early.as_json()["events_not_seen_yet"] == ["bulk"]
    assert "events not seen yet           bulk" in early.as_text()
    assert "not seen yet" not in check_tables(make_job()).as_text()


def test_long_lists_are_shortened():
    assert shortened([]) == "none"
    assert shortened(["a", "b"]) == "a, b"
    assert shortened(list("abcdefg")) == "a, b, c, d, e, f …"


def test_expectations_are_judged_and_old_data_fail_the_gate(make_job, product):
    """The last event is of 2024-06-30 12:00, the job looks at it on 2024-07-01 09:00: 21 hours."""
    settings = product / "milepost.toml"
    text = settings.read_text()
    for hours, gate in ((22, ""), (20, "the data are not as expected: events: the newest row is 21.0 hours old")):
        replaced = text.replace('path = "events.csv"', f'path = "events.csv"\nerror_after_hours = {hours}')
        settings.write_text(replaced, encoding="utf-8")
        result = check_tables(make_job())
        assert result.gate.startswith(gate)
        assert bool(result.gate) == bool(gate)
        fresh = next(one for one in result.as_json()["expectations"] if one["check"] == "freshness")
        assert (fresh["where"], fresh["found"], fresh["standing"]) == ("events", 21.0, "error" if gate else "ok")
        assert result.as_json()["standing"] == ("error" if gate else "ok")
    assert "error: events: the newest row is 21.0 hours old; see why it is not loaded" in result.as_text()


def test_a_limit_of_age_leaves_what_was_computed_in_use(make_job, product):
    before = make_job().fingerprint
    settings = product / "milepost.toml"
    text = settings.read_text().replace('path = "events.csv"', 'path = "events.csv"\nwarn_after_hours = 3')
    settings.write_text(text, encoding="utf-8")
    assert make_job().fingerprint == before
