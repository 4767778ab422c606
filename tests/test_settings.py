"""Settings are refused with the wrong key and the nearest right one, or the value and what was expected."""

import os
import tomllib

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
        ({"team": {"opens": 24}}, "'team.opens' = 24"),
        ({"team": {"closes": 25}}, "'team.closes' = 25"),
        ({"help": {"topics": [{"topic": ""}]}}, "'help.topics.0.topic' = ''"),
        (
            {"tables": {**TABLES, "accounts": {"url": "sqlite:///x", "table": "a", "in_place": True}}},
            "in_place is for events, not for accounts: it is small, and is copied",
        ),
        (
            {"tables": {**TABLES, "events": {"path": "e", "warn_after_hours": 0}}},
            "'tables.events.warn_after_hours' = 0",
        ),
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


@pytest.mark.parametrize(
    ("limit", "amount"),
    [("2GB", 2_000_000_000), ("1.5 GiB", 1_610_612_736), ("3KiB", 3072), ("250 MB", 250_000_000), ("1TB", 10**12)],
)
def test_amounts_of_memory_in_bytes(tmp_path, limit, amount):
    settings = parse({"tables": TABLES, "project": {"memory_limit": "7KB"}}, tmp_path)
    assert settings.project.memory_bytes == 7000
    assert settings.within(limit).project.memory_bytes == amount
    assert settings.project.memory_bytes == 7000


@pytest.mark.parametrize("limit", ["", "2", "2 gigabytes", "-1GB"])
def test_what_is_no_amount_of_memory_is_refused(tmp_path, limit):
    with pytest.raises(SettingsError, match=f"'{limit}' is no amount of memory; expected a number and a unit"):
        parse({"tables": TABLES}, tmp_path).within(limit)


def test_without_a_limit_a_third_of_the_machine(tmp_path):
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert abs(3 * parse({"tables": TABLES}, tmp_path).project.memory_bytes - whole) <= 3


@pytest.mark.parametrize(
    ("team", "always"),
    [({}, True), ({"opens": 0, "closes": 24}, True), ({"opens": 1}, False), ({"closes": 23}, False),
     ({"days": ["mon", "tue"]}, False), ({"opens": 23}, False)],
)  # fmt: skip
def test_a_team_is_always_there_unless_hours_or_days_are_named(tmp_path, team, always):
    assert parse({"tables": TABLES, "team": team}, tmp_path).team.always is always


def test_how_old_a_table_may_be_is_not_what_its_signals_are_told_apart_by(tmp_path):
    aged = {**TABLES, "events": {"path": "e.csv", "warn_after_hours": 1, "error_after_hours": 2}}
    assert repr(parse({"tables": aged}, tmp_path).tables) == repr(parse({"tables": TABLES}, tmp_path).tables)


def test_the_file_that_is_wrong_is_named(tmp_path):
    (tmp_path / "own.toml").write_text("[tables.accounts]\npath = 'a.csv'\n")
    with pytest.raises(
        SettingsError, match=r"own\.toml: 'tables\.events' is missing; add \[tables\.events\] with a path"
    ):
        load(tmp_path / "own.toml")


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


DEFAULTS = """
[project]
name = "milepost"
output = "out"
models = "models"
mlruns = "mlruns"
features = "features.csv"
framework = "framework.toml"
experiments = "experiments"
seed = 7
threads = 2
memory_limit = ""
engine = "duckdb"
[windows]
observation_days = 84
gap_days = 14
outcome_days = 56
grace_days = 14
step = "month"
[data]
size_bands = [5, 20, 100]
max_quarantined_share = 0.01
[contract]
weeks = 8
recent_days = 7
volume_z = 4.0
warn_volume = 0.3
error_volume = 0.6
warn_nulls = 0.05
error_nulls = 0.5
warn_new = 0.02
error_new = 0.5
warn_gaps = 0.2
error_gaps = 0.5
[signals]
min_tenure_days = 28
[adoption]
low = 0.10
high = 0.90
min_accounts = 50
[ranking]
max_q = 0.05
min_same_sign = 0.95
bootstraps = 200
top_k = 15
separable_accounts = 50000
[maturity]
mature_categories = 3
min_cut_agreement = 0.60
bootstraps = 100
[milestones]
counts = [1, 2, 3, 5, 8, 13, 20, 35, 60]
days = [7, 14, 28, 56, 91]
later_days = 90
setup_days = 28
earlier_share = 0.6
max_p = 0.05
draws = 400
[training]
train_share = 0.60
calibrate_share = 0.0
accounts = "disjoint"
folds = 5
trials = 0
time_limit_seconds = 120
contacts = 0
contact_cost = 0.0
saved_share = 0.10
promote = "auto"
min_churned = 50
min_rows = 200
[scoring]
elevated_from = 0.05
high_from = 0.15
action_share = 0.10
always_explain = 5000
reasons = 3
keep_dates = 400
[team]
time_zone = "UTC"
opens = 0
closes = 24
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
[metrics]
months = 12
min_accounts = 20
[routing]
period_days = 7
serve_days = 14
between_days = 30
max_contacts = 3
within_days = 90
price_floor = 100.0
open_channels = ["help_center"]
backlog_at_most = 1000000
fairness_accounts = 50
[review]
every_days = 91
data_days = 3
scores_days = 35
model_days = 120
"""


def test_the_same_settings_written_out_change_nothing(tmp_path):
    assert parse({"tables": TABLES, **tomllib.loads(DEFAULTS)}, tmp_path) == parse({"tables": TABLES}, tmp_path)


def nested(key, value):
    """{"a": {"b": value}} for "a.b", beside the tables."""
    section, name = key.split(".")
    return {"tables": TABLES, section: {name: value}}


@pytest.mark.parametrize(
    ("key", "lowest", "highest"),
    [
        ("project.seed", 0, None), ("project.threads", 1, 256),
        ("windows.observation_days", 1, 3660), ("windows.gap_days", 0, 3660), ("windows.outcome_days", 1, 3660),
        ("windows.grace_days", 0, 3660), ("windows.step", 1, 3660),
        ("data.max_quarantined_share", 0, 1),
        ("contract.weeks", 4, 52), ("contract.recent_days", 1, 7), ("contract.volume_z", 2, 20),
        # what warns must not lie above what is an error
        ("contract.warn_volume", None, 0.6), ("contract.error_volume", 0.3, 1), ("contract.warn_nulls", 0, 0.5),
        ("contract.warn_new", 0, 0.5), ("contract.error_gaps", 0.2, 1),
        ("signals.min_tenure_days", 0, None),
        ("adoption.low", 0, None), ("adoption.high", None, 1), ("adoption.min_accounts", 1, None),
        ("ranking.max_q", 0, 1), ("ranking.min_same_sign", 0, 1), ("ranking.bootstraps", 20, 10_000),
        ("ranking.top_k", 1, None), ("ranking.separable_accounts", 0, None),
        ("maturity.mature_categories", 1, None), ("maturity.min_cut_agreement", 0, 1),
        ("maturity.bootstraps", 20, 10_000),
        # below the longest of the days searched, 91
        ("milestones.setup_days", 1, 90), ("milestones.later_days", 1, 3660), ("milestones.earlier_share", 0, 1),
        ("milestones.max_p", 0, 1), ("milestones.draws", 50, 10_000),
        ("training.train_share", 0, 1), ("training.calibrate_share", 0, 1), ("training.folds", 2, 20),
        ("training.trials", 0, 1000), ("training.time_limit_seconds", 1, None), ("training.contacts", 0, None),
        ("training.contact_cost", 0, None), ("training.saved_share", 0, 1), ("training.min_churned", 2, None),
        ("training.min_rows", 10, None),
        ("scoring.elevated_from", 0, 0.15), ("scoring.high_from", 0.05, 1), ("scoring.action_share", 0, 1),
        ("scoring.always_explain", 0, None), ("scoring.reasons", 0, 10), ("scoring.keep_dates", 2, None),
        ("team.opens", 0, 23), ("team.closes", 1, 24),
        ("help.would_ask", 0, 1),
        ("metrics.months", 1, 120), ("metrics.min_accounts", 1, None),
        ("routing.period_days", 1, 3660), ("routing.serve_days", 1, 30), ("routing.between_days", 14, 3660),
        ("routing.max_contacts", 1, None), ("routing.within_days", 1, 3660), ("routing.price_floor", 0, None),
        ("routing.backlog_at_most", 0, None), ("routing.fairness_accounts", 1, None),
        ("review.every_days", 1, 3660), ("review.data_days", 1, 3660), ("review.scores_days", 1, 3660),
        ("review.model_days", 1, 3660),
    ],
)  # fmt: skip
def test_a_number_may_be_its_limit_and_not_beyond(tmp_path, key, lowest, highest):
    section, name = key.split(".")
    for limit, beyond in ((lowest, -1), (highest, 1)):
        if limit is not None:
            kept = getattr(getattr(parse(nested(key, limit), tmp_path), section), name)
            assert kept == limit
            step = beyond if isinstance(limit, int) and type(kept) is int else beyond * 0.001
            with pytest.raises(SettingsError, match=section):
                parse(nested(key, limit + step), tmp_path)


@pytest.mark.parametrize(
    "key", ["project.seed", "windows.gap_days", "training.folds", "scoring.reasons", "review.every_days"]
)
@pytest.mark.parametrize("value", ["7", 7.0, True])
def test_a_whole_number_is_no_text_no_fraction_and_no_flag(tmp_path, key, value):
    with pytest.raises(SettingsError, match=rf"'{key}' = .*valid integer"):
        parse(nested(key, value), tmp_path)
