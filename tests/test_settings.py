"""Settings are refused with the wrong key and the nearest right one, or the value and what was expected."""

import pytest

from milepost.errors import SettingsError
from milepost.settings import load, parse

TABLES = {"accounts": {"path": "a.csv"}, "events": {"path": "e.csv"}}


def test_defaults_are_those_of_the_docs(tmp_path):
    settings = parse({"tables": TABLES}, tmp_path)
    assert settings.windows.windows().purge_days == 84
    assert settings.adoption.low == 0.10
    assert settings.adoption.high == 0.90
    assert settings.training.min_churned == 50
    assert settings.output == tmp_path.resolve() / "out"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"windws": {}}, "unknown key 'windws'; did you mean 'windows'"),
        ({"windows": {"gap_day": 3}}, "unknown key 'windows.gap_day'; did you mean 'gap_days'"),
        ({"tables": {**TABLES, "events": {"path": "e", "colums": {}}}}, "unknown key 'tables.events.colums'; did you"),
        ({"windows": {"outcome_days": 0}}, "'windows.outcome_days' = 0: input should be greater than or equal to 1"),
        ({"windows": {"outcome_days": -3}}, "'windows.outcome_days' = -3"),
        ({"windows": {"outcome_days": "30 days"}}, "'windows.outcome_days' = '30 days': input should be a valid int"),
        ({"adoption": {"low": 0.9, "high": 0.1}}, "'adoption': low must be below high"),
        ({"tables": {"accounts": {"path": "a"}}}, "'tables.events' is missing"),
        ({"tables": {**TABLES, "events": {}}}, "'tables.events': give either path or url"),
        ({"folder": "/tmp"}, "unknown key 'folder'"),
        ({"project": {"name": "../x"}}, "'project.name' = '../x'"),
        ({"routing": {"flags": [{"whn": "mrr > 1"}]}}, "unknown key 'routing.flags.0.whn'; did you mean 'when'"),
        ({"routing": {"owners": [{"name": "success"}]}}, "'routing.owners.0.hours' is missing; add 'hours'"),
        ({"routing": {"owners": [{"name": "A b", "hours": 1}]}}, "'routing.owners.0.name' = 'A b'"),
        ({"routing": {"serve_days": 31}}, "'routing': serve_days must not be above between_days"),
        ({"team": {"opens": 9, "closes": 9}}, "'team': opens must be before closes"),
        ({"team": {"time_zone": "Mars/Base"}}, "'team': no time zone 'Mars/Base'"),
        ({"help": {"read_event": ["a"]}}, "did you mean 'read_events' or"),
        (
            {"routing": {"flags": [{"name": "a", "when": "mrr > 1", "priority": 1, "reason": "b"}]}},
            "'routing.flags.0': a flag that leads to a person has an owner",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, raw, message):
    with pytest.raises(SettingsError) as caught:
        parse({"tables": TABLES, **raw}, tmp_path)
    assert message in caught.value.line
    assert len(caught.value.line) < 300


def test_output_stays_inside_the_folder_or_a_declared_root(tmp_path):
    outside = parse({"tables": TABLES, "project": {"output": "../../x"}}, tmp_path / "a" / "b")
    with pytest.raises(SettingsError, match=r"output path '../../x' leaves the project's folder"):
        _ = outside.output
    declared = parse({"tables": TABLES, "project": {"models": "../models", "roots": [".."]}}, tmp_path / "a")
    assert declared.models == tmp_path.resolve() / "models" / "milepost"


def test_a_missing_and_a_broken_file(tmp_path):
    with pytest.raises(SettingsError, match="no such file; run 'milepost init'"):
        load(tmp_path / "milepost.toml")
    (tmp_path / "milepost.toml").write_text("[project\n")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load(tmp_path / "milepost.toml")


def test_excluded_accounts_by_wildcard(tmp_path):
    data = parse({"tables": TABLES, "data": {"exclude_accounts": ["test-*", "a?"]}}, tmp_path).data
    assert [data.excluded(name) for name in ("test-7", "a1", "a12", "b")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"data": {"size_bands": []}}, "'data.size_bands': at least one upper end is needed"),
        ({"data": {"size_bands": [20, 5]}}, "'data.size_bands': upper ends must rise"),
        ({"data": {"size_bands": [5, 5]}}, "'data.size_bands': upper ends must rise"),
        ({"scoring": {"elevated_from": 0.3, "high_from": 0.1}}, "'scoring': elevated_from must not be above high_from"),
        ({"signals": {"measures": ["count", "count"]}}, "'signals.measures': 'count' stands twice"),
        ({"signals": {"measures": ["cuont"]}}, "'signals.measures.0' = 'cuont': input should be 'count', "),
        ({"windows": {"step": "weekly"}}, "'windows.step' = 'weekly': input should be 'month' or a number of days"),
        ({"windows": {"step": 0}}, "'windows.step' = 0: input should be 'month' or a number of days"),
        ({"data": {"complete_until": "soon"}}, "'data.complete_until' = 'soon': input should be a valid datetime"),
        ({"tables": {**TABLES, "accounts": {"path": "a", "immutable": ["plan"]}}},
         "'tables.accounts.immutable': 'plan' is taken: give the attribute another name in columns"),
        ({"tables": {**TABLES, "accounts": {"path": "a", "immutable": ["account_id"]}}},
         "'tables.accounts.immutable': 'account_id' is taken"),
        ({"data": {"segment": "plan"}}, "'data.segment' = 'plan': this name is taken: accounts are grouped"),
    ],
)  # fmt: skip
def test_what_would_go_wrong_later_is_refused_now(tmp_path, raw, message):
    with pytest.raises(SettingsError) as caught:
        parse({"tables": TABLES, **raw}, tmp_path)
    assert message in caught.value.line
    assert len(caught.value.line) < 300


def test_a_byte_order_mark_is_no_error_and_a_folder_is_one(tmp_path):
    path = tmp_path / "milepost.toml"
    path.write_bytes(b'\xef\xbb\xbf[tables.accounts]\npath = "a"\n[tables.events]\npath = "e"\n')
    assert load(path).tables.accounts.path == "a"
    with pytest.raises(SettingsError, match="a folder, not a file"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"path": "x", "url": "y"}, "give either path or url"), ({"encoding": "utf-16"}, "'utf-8'")],
)
def test_a_table_lies_in_one_place_and_is_utf8(tmp_path, given, expected):
    with pytest.raises(SettingsError, match=expected):
        parse({"tables": {**TABLES, "events": {"path": "e", **given}}}, tmp_path)


def test_tables_given_come_in_the_contracts_order(tmp_path):
    settings = parse({"tables": {"surveys": {"path": "s"}, **TABLES, "subscriptions": {"path": "u"}}}, tmp_path)
    assert list(settings.tables.given()) == ["accounts", "subscriptions", "events", "surveys"]
