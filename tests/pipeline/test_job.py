"""A job computes each part once, takes what has not changed from disk, and says when a date cannot be scored."""

import shutil
from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.data.digest import digests
from milepost.errors import CatalogueError, InputError, SettingsError
from milepost.pipeline import job as job_module
from milepost.signals.stacked import Stacked


def test_dates_follow_from_the_data(make_job):
    job = make_job()
    # events from 2024-01-01 to 2024-06-30 12:00; 30 days have been seen on 2024-02-01 for the first time
    assert job.as_of == date(2024, 6, 30)
    assert job.snapshots == (*(date(2024, month, 1) for month in range(2, 7)), date(2024, 6, 30))


@pytest.mark.parametrize(
    ("as_of", "message"),
    [
        (date(2024, 7, 2), "--as-of 2024-07-02 lies after the last data"),
        (date(2026, 1, 1), "lies after the last data"),
    ],
)
def test_a_date_beyond_the_data_is_refused(make_job, as_of, message):
    with pytest.raises(InputError, match=message):
        _ = make_job(as_of).snapshots


def daily(product, last="2024-06-30"):
    """Counts per day up to `last` instead of events."""
    days = pd.date_range("2024-01-01", last).strftime("%Y-%m-%d")
    rows = "".join(
        f"a{number:02},{day},{name}\n" for day in days for number in range(12) for name in ("macro", "export")
    )
    (product / "events.csv").write_text(f"account_id,occurred_at,event_name\n{rows}", encoding="utf-8")
    edit(product, 'path = "events.csv"', 'path = "events.csv"\ndaily = true')


def edit(product, old, new):
    path = product / "milepost.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_last_date_is_the_midnight_after_the_last_day(make_job, product):
    # events until 2024-06-30 12:00
    assert make_job(date(2024, 7, 1)).snapshots[-1] == date(2024, 7, 1)
    with pytest.raises(InputError, match="expected at most 2024-07-01"):
        _ = make_job(date(2024, 7, 2)).snapshots


def test_the_last_date_of_daily_counts_is_the_midnight_after_the_last_day(make_job, product):
    daily(product)
    # the whole of June 30th is counted
    assert make_job().as_of == date(2024, 7, 1)
    assert make_job(date(2024, 7, 1)).snapshots[-1] == date(2024, 7, 1)
    with pytest.raises(InputError, match=r"2024-07-02 lies after the last data; expected at most 2024-07-01"):
        _ = make_job(date(2024, 7, 2)).snapshots


@pytest.mark.parametrize(
    ("until", "last"), [("2024-06-25", 25), ("2024-06-25T00:00:00", 25), ("2024-06-25T06:00:00", 26)]
)
def test_the_last_date_follows_complete_until(make_job, product, until, last):
    edit(product, "[windows]", f"[data]\ncomplete_until = {until}\n[windows]")
    assert make_job(date(2024, 6, last)).snapshots[-1] == date(2024, 6, last)
    with pytest.raises(InputError, match=f"at most 2024-06-{last}"):
        _ = make_job(date(2024, 6, last + 1)).snapshots


def test_a_date_before_the_data_is_refused(make_job):
    with pytest.raises(InputError):
        _ = make_job(date(2023, 12, 1)).snapshots


def test_current_holds_the_scored_date_and_learnable_what_is_known(make_job):
    job = make_job()
    assert set(job.current.context["snapshot_date"].dt.date) == {date(2024, 6, 30)}
    # a00 left: eleven of twelve are running
    assert len(job.current.context) == 11
    rows = job.observations.context
    known = rows[job.learnable]["snapshot_date"].dt.date
    # 44 days after May 1st end on 2024-06-14, 44 after June 1st are not over on June 30th
    assert sorted(set(known)) == [date(2024, month, 1) for month in (2, 3, 4, 5)]
    churned = rows[job.outcomes.churned == 1]
    assert churned[["account_id", "snapshot_date"]].astype(str).to_numpy().tolist() == [["a00", "2024-04-01"]]


def test_a_second_job_takes_the_matrix_from_disk(make_job):
    first, said = make_job(), []
    assert not first.has_observations
    built = first.observations
    second = make_job(said=said)
    assert second.has_observations
    found = second.observations
    assert any("nothing changed" in line for line in said)
    assert found.matrix.values.tobytes() == built.matrix.values.tobytes()
    assert found.matrix.signals == built.matrix.signals
    np.testing.assert_array_equal(found.eligible, built.eligible)
    np.testing.assert_array_equal(found.counts, built.counts)
    assert second.run_id == first.run_id == f"2024-06-30-{first.fingerprint[:8]}"
    assert second.version == f"{first.run_id}-20240701T090000000000"


@pytest.mark.parametrize("name", ["values-2024-06-30.npy", "context.parquet", "about.json"])
def test_a_damaged_matrix_is_built_again(make_job, product, name):
    built = make_job().observations
    (path,) = (product / "out" / "signals" / "versions").glob(f"*/{name}")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    said = []
    again = make_job(said=said)
    assert not again.has_observations
    assert again.observations.matrix.values.tobytes() == built.matrix.values.tobytes()
    assert not any("nothing changed" in line for line in said)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("features.csv", "reporting\n", "reporting\nboth,macro|export,x\n"),
        ("milepost.toml", "observation_days = 30", "observation_days = 31"),
        ("events.csv", "login", "log-in"),
        ("milepost.toml", 'path = "accounts.csv"', 'path = "accounts.csv"\nimmutable = ["segment"]'),
    ],
)
def test_whatever_the_signals_depend_on_makes_them_stale(make_job, product, name, old, new):
    before = make_job().fingerprint
    path = product / name
    path.write_text(path.read_text().replace(old, new), encoding="utf-8")
    assert make_job().fingerprint != before


def test_a_value_event_that_never_occurs_is_named_before_anything_is_built(make_job, product):
    edit(product, "[windows]", '[data]\nvalue_events = ["export", "makro"]\n[windows]')
    with pytest.raises(SettingsError, match=r"data.value_events: no event 'makro' in events; did you mean 'macro'"):
        _ = make_job().observations
    assert not (product / "out" / "signals").exists()


def test_an_event_that_first_occurs_after_the_date_is_known(make_job, product):
    with (product / "events.csv").open("a", encoding="utf-8") as stream:
        stream.write("a01,2024-05-20,bulk\nnobody,2024-05-20,ghost\n")
    with (product / "features.csv").open("a", encoding="utf-8") as stream:
        stream.write("bulk,bulk,automation\n")
    edit(product, "[windows]", '[data]\nvalue_events = ["bulk"]\n[windows]')
    early = make_job(date(2024, 5, 1))
    assert "bulk" not in early.event_names
    # nobody had used it yet
    assert early.observations.adopted[:, 2].sum() == 0
    assert make_job().observations.adopted[:, 2].sum() > 0
    # a row that cannot be used does not make its event known
    edit(product, '"bulk"', '"ghost"')
    early = make_job(date(2024, 5, 1))
    with pytest.raises(SettingsError, match="no event 'ghost' in events"):
        early.check_names()


def test_an_unknown_event_is_named_before_anything_is_built(make_job, product):
    (product / "features.csv").write_text("feature,event_names,category\na,exprt,b\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="no event 'exprt' in events; did you mean 'export'"):
        _ = make_job().observations
    assert not (product / "out" / "signals").exists()


def built(make_job, as_of):
    said = []
    return make_job(as_of, said).observations, [line for line in said if line.startswith("signals:")]


def test_the_next_night_goes_on_from_the_last_and_says_the_same(make_job, product):
    built(make_job, date(2024, 6, 10))
    observations, said = built(make_job, date(2024, 6, 11))
    assert said == ["signals: 5 of 6 snapshots carried over"]
    shutil.rmtree(product / "out")
    anew, said = built(make_job, date(2024, 6, 11))
    assert said == []
    assert observations.matrix.values.tobytes() == anew.matrix.values.tobytes()
    pd.testing.assert_frame_equal(observations.context, anew.context)


def test_events_that_come_late_are_noticed(make_job, product):
    built(make_job, date(2024, 6, 10))
    with (product / "events.csv").open("a", encoding="utf-8") as events:
        events.write("a03,2024-05-02 10:00:00,export\n")
    observations, said = built(make_job, date(2024, 6, 11))
    assert said == ["signals: events before 2024-06-10 changed or came late, computed anew"]
    shutil.rmtree(product / "out")
    anew, _ = built(make_job, date(2024, 6, 11))
    assert observations.matrix.values.tobytes() == anew.matrix.values.tobytes()


def test_another_catalogue_is_another_matrix(make_job, product):
    built(make_job, date(2024, 6, 10))
    with (product / "features.csv").open("a", encoding="utf-8") as catalogue:
        catalogue.write("signing in,login,access\n")
    observations, said = built(make_job, date(2024, 6, 11))
    assert said == []
    assert "signing in.count" in {signal.name for signal in observations.matrix.signals}


def test_a_matrix_too_large_for_the_memory_allowed_stays_in_its_file(make_job, product):
    small, _ = built(make_job, date(2024, 6, 10))
    edit(product, "[windows]", '[project]\nmemory_limit = "8KB"\n[windows]')
    shutil.rmtree(product / "out")
    large, _ = built(make_job, date(2024, 6, 10))
    assert isinstance(large.matrix.values, Stacked)
    assert not list((product / "out").glob(".signals-*"))
    again, said = built(make_job, date(2024, 6, 10))
    assert said == ["signals: nothing changed, taken from the last build"]
    assert np.asarray(again.matrix.values).tobytes() == np.asarray(large.matrix.values).tobytes()
    assert np.asarray(large.matrix.values).tobytes() == small.matrix.values.tobytes()


def test_the_next_night_writes_no_large_part_again_that_did_not_change(make_job, product):
    edit(product, "[windows]", '[project]\nmemory_limit = "8KB"\n[windows]')
    built(make_job, date(2024, 6, 10))
    folder = product / "out" / "signals"
    before = {path.name: path.stat().st_ino for path in folder.glob("values-*.npy")}
    observations, said = built(make_job, date(2024, 6, 11))
    assert said == ["signals: 5 of 6 snapshots carried over"]
    now = {path.name: path.stat().st_ino for path in folder.glob("values-*.npy")}
    kept = [f"values-2024-{month:02}-01.npy" for month in range(2, 7)]
    assert sorted(before) == [*kept, "values-2024-06-10.npy"]
    assert sorted(now) == [*kept, "values-2024-06-11.npy"]
    assert [now[name] for name in kept] == [before[name] for name in kept]
    shutil.rmtree(product / "out")
    anew, _ = built(make_job, date(2024, 6, 11))
    assert np.asarray(observations.matrix.values).tobytes() == np.asarray(anew.matrix.values).tobytes()


def as_files(product):
    """The events as a folder of Parquet files, one up to May and one for June."""
    events = pd.read_csv(product / "events.csv", parse_dates=["occurred_at"])
    (product / "events").mkdir()
    june = events["occurred_at"] >= "2024-06-01"
    events[~june].to_parquet(product / "events" / "1.parquet", index=False)
    events[june].to_parquet(product / "events" / "2.parquet", index=False)
    edit(product, 'path = "events.csv"', 'path = "events"')
    return events


def come(product, name, *rows):
    frame = pd.DataFrame(rows, columns=["account_id", "occurred_at", "event_name"])
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"]).astype("datetime64[us]")
    frame.to_parquet(product / "events" / name, index=False)


JULY = ("a03", "2024-07-20 10:00:00", "export")


@pytest.mark.parametrize(
    ("change", "said", "read_again"),
    [
        (lambda product: None, "signals: 5 of 6 snapshots carried over", False),
        (lambda product: come(product, "3.parquet", JULY), "signals: 5 of 6 snapshots carried over", False),
        (lambda product: come(product, "0.parquet", JULY), "signals: 5 of 6 snapshots carried over", False),
        # a file that was there before is another one, with the same rows before the date
        (lambda product: grow(product, JULY), "signals: 5 of 6 snapshots carried over", True),
        (lambda product: come(product, "3.parquet", JULY, ("a03", "2024-05-02 10:00:00", "export")),
         "signals: events before 2024-06-10 changed or came late, computed anew", True),
        (lambda product: (product / "events" / "1.parquet").unlink(),
         "signals: events before 2024-06-10 changed or came late, computed anew", True),
    ],
    ids=["nothing", "a later file", "a later file in front", "a file grew", "a late row", "a file is gone"],
)  # fmt: skip
def test_files_that_only_came_are_not_read_again(make_job, product, monkeypatch, change, said, read_again):
    as_files(product)
    built(make_job, date(2024, 6, 10))
    change(product)
    asked = []
    monkeypatch.setattr(job_module, "digests", lambda events, days: asked.append(days) or digests(events, days))
    observations, lines = built(make_job, date(2024, 6, 11))
    assert lines == [said]
    assert bool(asked) is read_again
    built(make_job, date(2024, 6, 12))
    again, lines = built(make_job, date(2024, 6, 11))
    shutil.rmtree(product / "out")
    anew, _ = built(make_job, date(2024, 6, 11))
    assert observations.matrix.values.tobytes() == anew.matrix.values.tobytes() == again.matrix.values.tobytes()


def grow(product, row):
    path = product / "events" / "2.parquet"
    old = pd.read_parquet(path)
    new = pd.DataFrame([row], columns=old.columns).astype({"occurred_at": old["occurred_at"].dtype})
    pd.concat([old, new]).to_parquet(path, index=False)


def test_events_of_an_account_that_was_unknown_are_noticed(make_job, product):
    as_files(product)
    come(product, "0.parquet", ("new", "2024-05-02 10:00:00", "export"), ("new", "2024-06-02 10:00:00", "export"))
    built(make_job, date(2024, 6, 10))
    with (product / "accounts.csv").open("a", encoding="utf-8") as accounts:
        columns = len((product / "accounts.csv").read_text(encoding="utf-8").splitlines()[0].split(","))
        accounts.write(",".join(["new", "2024-01-05", *[""] * (columns - 2)]) + "\n")
    _, said = built(make_job, date(2024, 6, 11))
    assert said == ["signals: events before 2024-06-10 changed or came late, computed anew"]


def test_events_read_in_another_way_are_read_again(make_job, product):
    as_files(product)
    built(make_job, date(2024, 6, 10))
    edit(product, 'path = "events"', 'path = "events"\ntime_zone = "Asia/Tokyo"')
    _, said = built(make_job, date(2024, 6, 11))
    assert said == ["signals: events before 2024-06-10 changed or came late, computed anew"]


@pytest.mark.parametrize("limit", ["2", "two GB", "2 GiBs", "-1GB", "2PB"])
def test_an_amount_of_memory_is_a_number_and_a_unit(make_job, product, limit):
    edit(product, "[windows]", f'[project]\nmemory_limit = "{limit}"\n[windows]')
    with pytest.raises(SettingsError, match=r"project\.memory_limit"):
        make_job()
