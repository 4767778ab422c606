"""`milepost signals list` and `explain`: the arithmetic in words gives what the engine gives."""

import re
import shutil
from datetime import date

import pytest

from milepost.errors import InputError, SettingsError
from milepost.pipeline.explain_signal import explain_signal
from milepost.pipeline.signals import list_signals

OWN = """\
[[signals]]
name = "macros.ten_days"
feature = "macros"
measure = "count"
window_days = 10
per = ""
unit = "runs"
description = "Macros run in ten days"

[[signals]]
name = "login_trend"
event = "login"
measure = "trend"
window_days = 12
"""


@pytest.fixture
def own(product):
    (product / "signals.toml").write_text(OWN, encoding="utf-8")
    return product


def names(job):
    return [signal["name"] for signal in list_signals(job).as_json()["signals"]]


def test_the_list_is_that_of_the_matrix_whether_it_is_built_or_not(make_job, own):
    before = names(make_job())
    assert not (own / "out").exists()
    job = make_job()
    assert before == [signal.name for signal in job.observations.matrix.signals]
    assert names(make_job()) == before
    assert before[-2:] == ["macros.ten_days", "login_trend"]


def test_the_list_fits_the_screen(make_job, own):
    shown = list_signals(make_job()).as_text().splitlines()
    assert re.match(r"\d+ signals, 2 of them own$", shown[0])
    assert shown[2].split() == ["name", "feature", "measure", "days", "unit"]
    assert shown[-2].split() == ["macros.ten_days", "macros", "count", "10", "runs"]
    assert shown[-1].split() == ["login_trend", "–", "trend", "12", "-1", "to", "1"]
    assert max(map(len, shown)) <= 100


CARD = """\
macros.ten_days
signal      Macros run in ten days
unit        runs
feature     macros
window      2024-06-20 up to 2024-06-30 (not included), 10 days
source      events: macro
account     a03: 4 rows, the newest 3:
            occurred_at       event_name  quantity
            2024-06-29 12:00  macro              1
            2024-06-26 12:00  macro              1
            2024-06-23 12:00  macro              1
value       4
            4 uses"""


def test_a_signal_of_one_account_by_hand(make_job, own):
    # a03 uses macros on day 0, 3, … of the year: June 20th is day 171, June 29th day 180
    result = explain_signal(make_job(), "macros.ten_days", "a03")
    assert result.as_text() == CARD
    found = result.as_json()
    assert found["source"]["rows"] == found["value"] == 4
    assert found["window"] == {"from": "2024-06-20", "to": "2024-06-30"}
    assert found["signal"]["own"]


def test_the_first_account_with_use_is_shown(make_job, own):
    # a00 has left, a01 uses export, a02 signs in
    assert explain_signal(make_job(), "export.count").as_json()["account_id"] == "a01"
    assert explain_signal(make_job(), "login_trend").as_json()["account_id"] == "a02"
    assert explain_signal(make_job(), "account.seats").as_json()["account_id"] == "a01"


def test_the_words_give_the_value_of_the_matrix(make_job, own):
    job = make_job()
    matrix = job.current.matrix
    row = matrix.rows["account_id"].tolist().index("a03")
    compared = 0
    for place, signal in enumerate(matrix.signals):
        found = explain_signal(make_job(), signal.name, "a03").as_json()
        value = matrix.values[row, place]
        assert found["value"] == pytest.approx(value, nan_ok=True) or (found["value"] is None and value != value)
        said = re.search(r"(?:= |: |^)(-?[\d.,]+)( uses)?$", found["arithmetic"])
        if said and "last event" not in found["arithmetic"]:
            assert float(said[1].replace(",", "")) == pytest.approx(value, rel=1e-3), signal.name
            compared += 1
    assert compared >= 15


def test_nothing_at_or_after_the_date_is_shown(make_job, own):
    early = explain_signal(make_job(date(2024, 5, 1)), "macros.ten_days", "a03").as_json()
    assert early["window"]["to"] == "2024-05-01"
    assert max(row["occurred_at"] for row in early["source"]["examples"]) < "2024-05-01"


def test_nothing_is_written(make_job, own):
    explain_signal(make_job(), "macros.count")
    assert not (own / "out").exists()


def test_an_unknown_seat_count_is_unknown(make_job, own):
    text = (own / "subscriptions.csv").read_text(encoding="utf-8")
    (own / "subscriptions.csv").write_text(text.replace("a03,2024-01-01,,5", "a03,2024-01-01,,0"), encoding="utf-8")
    found = explain_signal(make_job(), "macros.per_seat", "a03")
    assert found.as_json()["value"] is None
    assert "0 seats: unknown, there is nothing to divide by" in found.as_json()["arithmetic"]
    assert "value       unknown" in found.as_text()


@pytest.mark.parametrize(
    ("name", "account", "message"),
    [
        ("macros.cuont", None, "no signal 'macros.cuont'; did you mean 'macros.count'"),
        ("macros.ten_day", None, "did you mean 'macros.ten_days'"),
        ("macros.count", "a3", "no account 'a3' in accounts; did you mean 'a03'"),
        ("macros.count", "a00", "account 'a00' is not running at 2024-06-30"),
    ],
)
def test_a_wrong_name_gets_the_nearest_right_one(make_job, own, name, account, message):
    with pytest.raises(InputError, match=message) as caught:
        explain_signal(make_job(), name, account)
    assert caught.value.exit_code == 2


def test_own_signals_are_checked_before_they_are_listed(make_job, own):
    (own / "signals.toml").write_text(OWN.replace('"login"', '"logn"'), encoding="utf-8")
    with pytest.raises(SettingsError, match="signal 2 'login_trend': no event 'logn' in events"):
        list_signals(make_job())


def test_the_list_after_a_build_is_that_of_now(make_job, own):
    _ = make_job().observations
    (own / "signals.toml").unlink()
    assert "login_trend" not in names(make_job())
    shutil.rmtree(own / "out")
    assert "login_trend" not in names(make_job())
