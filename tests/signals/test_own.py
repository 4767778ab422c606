"""signals.toml as product people get it wrong, and what it says when it is right."""

from datetime import datetime

import pandas as pd
import pytest

from milepost.errors import SettingsError
from milepost.settings import parse
from milepost.signals.catalogue import Feature
from milepost.signals.own import check_own, read_own
from milepost.signals.spec import Signal

FEATURES = (Feature("macros", ("macro_run", "macro_edit"), "automation"), Feature("export", ("export",), "reporting"))
WEEK = '[[signals]]\nname = "macros_week"\nfeature = "macros"\nmeasure = "count"\nwindow_days = 7\n'
LOGIN = '[[signals]]\nname = "login.days"\nevent = "login"\nmeasure = "active_days"\nwindow_days = 30\nper = ""\n'


def settings(folder, **project):
    raw = {"windows": {"observation_days": 30}, "tables": {"accounts": {"path": "a"}, "events": {"path": "e"}}}
    return parse({**raw, "project": project}, folder)


def read(folder, text, encoding="utf-8"):
    (folder / "signals.toml").write_bytes(text.encode(encoding))
    return read_own(settings(folder), FEATURES)


def test_no_file_is_no_own_signal(tmp_path):
    assert read_own(settings(tmp_path), FEATURES) == ()
    assert read(tmp_path, "") == ()


def test_a_file_that_the_settings_name_has_to_be_there(tmp_path):
    with pytest.raises(SettingsError, match=r"signals\.toml: no such file; write it, or take project\.signals out"):
        read_own(settings(tmp_path, signals="signals.toml"), FEATURES)


def test_another_name_for_the_file(tmp_path):
    (tmp_path / "mine.toml").write_text(WEEK, encoding="utf-8")
    assert [signal.name for signal in read_own(settings(tmp_path, signals="mine.toml"), FEATURES)] == ["macros_week"]


def test_what_is_not_said_is_filled_in(tmp_path):
    week, login = read(tmp_path, WEEK + LOGIN)
    assert week == Signal(
        "macros_week", "macros", "count", 7, "day", "uses a day", "uses of macros a day observed, last 7 days", own=True
    )
    assert login == Signal(
        "login.days", None, "active_days", 30, "", "days", "days on which event login was used, last 30 days",
        event="login", own=True,
    )  # fmt: skip


def test_unit_and_description_are_taken_as_they_are_written(tmp_path):
    (signal,) = read(tmp_path, WEEK + 'unit = "runs"\ndescription = """Runs of {f}\n  last week"""\n')
    assert (signal.unit, signal.description) == ("runs", "Runs of {f} last week")


def test_a_byte_order_mark_is_no_fault(tmp_path):
    assert len(read(tmp_path, WEEK, "utf-8-sig")) == 1


def changed(line, text=WEEK):
    key = line.split(" = ")[0]
    return "\n".join(line if old.startswith(f"{key} =") else old for old in text.splitlines())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed('feature = "macro"'), "'macros_week': no feature 'macro' in the catalogue; did you mean 'macros'"),
        (changed('measure = "cuont"'), "signal 1 'macros_week': unknown measure 'cuont'; did you mean 'count'"),
        (changed('measure = "recent_count"'), "write measure = 'count' with window_days as short as you like"),
        (changed('measure = "per_seat"'), "write measure = 'count' with per = 'seat'"),
        (WEEK + 'per = "seats"', "'count' cannot be per 'seats'; did you mean 'seat'"),
        (changed('measure = "recency"') + '\nper = "day"', "'recency' cannot be per 'day'; take 'per' out"),
        (changed("window_days = 0"), r"'window_days' = 0; expected 1 to 30 \(observation_days\)"),
        (changed("window_days = -7"), "'window_days' = -7; expected 1 to 30"),
        (changed("window_days = 31"), "'window_days' = 31; expected 1 to 30"),
        (changed("window_days = 1", changed('measure = "trend"')), "'window_days' = 1; expected 2 to 30"),
        (changed('measure = "ever"'), "'ever' looks at all of the past; take window_days out"),
        (WEEK.replace("window_days = 7\n", ""), "'window_days' is missing; add it, at most 30"),
        (changed('window_days = "30 days"'), "'window_days' = '30 days': input should be a valid integer"),
        (changed("window_days = 7.0"), "'window_days' = 7.0: input should be a valid integer"),
        (changed("window_days = true"), "'window_days' = True: input should be a valid integer"),
        (WEEK + 'event = "login"', "it names both a feature and an event; give one"),
        (WEEK.replace('feature = "macros"\n', ""), "no feature and no event; give one"),
        (WEEK + 'event = ""\nfeatures = "macros"', "unknown key 'features'; did you mean 'feature'"),
        (WEEK.replace('name = "macros_week"\n', ""), "signals.toml signal 1: 'name' is missing"),
        (changed('name = "Macros Week"'), "'name' = 'Macros Week': string should match"),
        (WEEK + LOGIN + WEEK, "signal 3 'macros_week': this name is that of signal 1 already"),
        (changed('name = "macros.count"'), "signal 1 'macros.count': milepost has a signal of this name"),
        (changed('name = "account.breadth"'), "milepost has a signal of this name, or keeps it for one"),
        (changed('name = "account.mine"'), "milepost has a signal of this name, or keeps it for one"),
        (WEEK.replace("[[signals]]", "[signals]"), "'signals' is no list; write"),
        ("signals = [1]", "signal 1: this is no table; write"),
        (WEEK.replace("[[signals]]", "[[signal]]"), "unknown key 'signal'; did you mean 'signals'"),
        ("[[signals]\n", "signals.toml: not valid TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_what_would_be_right(tmp_path, text, message):
    with pytest.raises(SettingsError, match=message) as error:
        read(tmp_path, text)
    assert str(error.value).startswith("error[SETTINGS] signals.toml")
    assert error.value.exit_code == 2


def test_another_encoding_and_a_folder_are_named(tmp_path):
    with pytest.raises(SettingsError, match="not UTF-8 text; save it as UTF-8"):
        read(tmp_path, WEEK + 'unit = "Nutzungen à Tag"', "utf-16")
    (tmp_path / "signals.toml").unlink()
    (tmp_path / "signals.toml").mkdir()
    with pytest.raises(SettingsError, match="this is a folder, not a file"):
        read_own(settings(tmp_path), FEATURES)


def one(measure, per="", event="login"):
    return (Signal("mine", None, measure, 7, per, "", "", event=event, own=True),)


@pytest.fixture
def bare(make_tables):
    """Events without users and values, and no subscriptions."""
    day = datetime(2024, 1, 1)
    rows = pd.DataFrame({"account_id": ["a"], "occurred_at": [day], "event_name": ["login"]})
    return make_tables(rows, pd.DataFrame({"account_id": ["a"], "created_at": [day]}), day, day)


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        (one("count", event="logn"), "signals.toml signal 1 'mine': no event 'logn' in events; did you mean 'login'"),
        (one("users"), "'users' needs user_id in events; map it in milepost.toml"),
        (one("user_share", "user"), "'user_share' per user needs user_id in events"),
        (one("count", "user"), "'count' per user needs user_id in events"),
        (one("value_sum", "day"), "'value_sum' per day needs value in events"),
        (one("count", "seat"), "'count' per seat needs seats in subscriptions"),
    ],
)
def test_what_the_tables_cannot_give_is_refused(bare, signals, message):
    with pytest.raises(SettingsError, match=message):
        check_own(signals, ["login"], bare, "signals.toml")
    check_own(one("count"), ["login"], bare, "signals.toml")
