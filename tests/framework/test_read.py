"""Nonsense is one line with its row and the nearest right name; an older file is read as what it meant."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date

import pytest

from milepost.errors import FrameworkError
from milepost.framework import from_toml, merge, overrides, to_toml
from milepost.framework.read import content_hash
from milepost.signals.catalogue import Feature


def edit(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


FAULTS = [
    ('  "bots",', '  "botz",', "(category 1): no feature 'botz' in the catalogue; did you mean 'bots'"),
    ('  "import",', '  "imprt",', "(setup): no setup step 'imprt' in the catalogue; did you mean 'import'"),
    ('  "import",', '  "bots",', "(setup): no setup step 'bots' in the catalogue"),
    ('name = "mail"', 'name = "mial"', "(category 2): no category 'mial' in the catalogue; did you mean 'mail'"),
    ('area = "reporting"', 'area = "report"', "(area 1): no area with a metric 'report' in the catalogue; did you"),
    ("\ncut = 2", "\ncut = 3", '(category 1): cut 3; expected a whole number from 1 to 2, or "none"'),
    ("\ncut = 2", "\ncut = 0", "(category 1): cut 0; expected a whole number from 1 to 2"),
    ("\ncut = 2", "\ncut = true", "(category 1): cut True"),
    ("\ncut = 2", "", "(category 1): 'cut' is missing; expected a whole number from 1 to 2"),
    ("\ncut = 2", "\ncutt = 2", "(category 1): unknown key 'cutt'; did you mean 'cut'"),
    ("\nneeded = 2", "\nneeded = 4", '(setup): needed 4; expected a whole number from 1 to 3, or "none"'),
    ("\nneeded = 2", "\nneeded = 1.5", "(setup): needed 1.5"),
    ("\nwithin_days = 28", "\nwithin_days = 56", "(setup): setup within_days 56 is not before activation days 56"),
    ("\nwithin_days = 28", '\nwithin_days = "none"', "(setup): within_days 'none'; expected a whole number from 1"),
    ("\ndays = 56", "\ndays = 21", "(setup): setup within_days 28 is not before activation days 21"),
    ("\ncount = 5", "\ncount = 0", '(activation): count 0; expected a whole number from 1, or "none"'),
    ("\ncount = 5", "\ncount = '5'", "(activation): count '5'"),
    ("\ncount = 5", '\ncount = "none"', '(activation): count and days go together; expected both, or "none" twice'),
    ("\nthreshold = 3.5", "\nthreshold = 0", '(utilization): threshold 0; expected a number above 0, or "none"'),
    ("\nthreshold = 3.5", "\nthreshold = -1", "(utilization): threshold -1"),
    ("\nthreshold = 3.5", "\nthreshold = inf", "(utilization): threshold inf"),
    ("\nthreshold = 3.5", "\nthreshold = true", "(utilization): threshold True"),
    ("\nthreshold = 2.0", "\nthreshold = nan", "(area 1): threshold nan"),
    ('per = "seat"', 'per = "seats"', "(utilization): per 'seats'; did you mean 'seat'"),
    ('name = "chat"', "name = 7", "(category 1): 'name' is missing or no text"),
    ('reason = ""', "reason = 7", "(setup): 'reason' is missing or no text"),
    ("effect = 4.0", 'effect = "big"', "(setup): effect 'big'; expected a number"),
    ("accounts = 1200", "accounts = 1.5", "(setup): accounts 1.5; expected a whole number"),
    ("tried = 45", "tred = 45", "(setup): unknown key 'tred'; did you mean 'tried'"),
    ('  "inbox",\n  "bots",\n', "", "(category 1): no features; expected one or more"),
    ('  "inbox",\n', '  "inbox",\n  "inbox",\n', "(category 1): 'inbox' stands twice in features"),
    ('  "inbox",\n', "  7,\n", "(category 1): features [7, 'bots']; expected a list of names"),
    ("derived = { count = 5", "derived = { cuont = 5", "(activation): unknown key 'cuont'; did you mean 'count'"),
    ("derived = { count = 5", "derived = { count = -5", "(activation): derived count -5"),
    ("derived = { count = 5, days = 56 }", "derived = 5", "(activation): derived is not a table"),
    ("[setup]", "[setpu]", "unknown key 'setpu'; did you mean 'setup'"),
    ("version = 3", "version = '3'", "version, created or fingerprint is missing or wrong"),
    ("version = 3", "version 3", "not valid TOML"),
]


@pytest.mark.parametrize(("old", "new", "message"), FAULTS)
def test_nonsense_is_one_line(framework, catalogue, old, new, message):
    text = edit(to_toml(framework), old, new).replace("[setup.evidence]", "[setpu.evidence]" if "setpu" in new else
                                                      "[setup.evidence]")  # fmt: skip
    with pytest.raises(FrameworkError) as error:
        from_toml(text, catalogue)
    assert message in error.value.line
    assert error.value.line.startswith("error[FRAMEWORK] framework.toml")
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ('  "bots",', '  "botz",', "category 1"),
        ("cut = 2", "cut = 3", "category 1"),
        ("threshold = 2.0", "threshold = 0", "area 1"),
        ("count = 5", "count = 0", "activation"),
        ('  "lists",', '  "inbox",', "category 2"),
        ("accounts = 1200", "accounts = 1.5", "setup"),
    ],
)
def test_the_row_is_that_of_the_fault(framework, catalogue, old, new, kind):
    text = edit(to_toml(framework), old, new)
    with pytest.raises(FrameworkError) as error:
        from_toml(text, catalogue, "f.toml")
    place = text.rindex(f"\n{new}") if kind == "category 2" else text.index(f"\n{new}")
    assert error.value.where == f"f.toml row {text[: place + 1].count(chr(10)) + 1} ({kind})"


def test_tables_written_inline_have_no_row_of_their_own(catalogue):
    text = 'version = 1\ncreated = 2024-04-01\nactivation = {event = "e", count = 0, days = 7}\n'
    with pytest.raises(FrameworkError, match=r"framework.toml \(activation\): count 0"):
        from_toml(text, catalogue)


def test_nothing_may_stand_twice(make, make_category, framework):
    twice = make(categories=(make_category(), make_category(features=("x", "y"))))
    with pytest.raises(FrameworkError, match="category 'chat' stands twice"):
        from_toml(to_toml_of_list(twice))
    with pytest.raises(FrameworkError, match="feature 'inbox' stands in 'chat' and 'mail'"):
        from_toml(to_toml(make(categories=(make_category(), make_category("mail", ("inbox", "y"))))))


def to_toml_of_list(framework):
    """Categories of one name, which a framework cannot hold: written as if they had two."""
    first, second = framework.categories
    text = to_toml(replace(framework, categories=(first, replace(second, name="other"))))
    return text.replace('name = "other"', f'name = "{second.name}"')


def test_lists_and_tables_are_told_apart():
    head = "version = 1\ncreated = 2024-04-01\n"
    for text, message in (
        ("category = 1", "'category' is not a list of tables"),
        ("category = [1]", "category 1 is not a table"),
        ("setup = 1", "setup 1 is not a table"),
    ):
        with pytest.raises(FrameworkError, match=message.replace("[", r"\[")):
            from_toml(head + text)


def test_an_order_that_the_data_found_is_no_fault(make, framework):
    """Steps may count up to day 28 and activation be reached within 14: what a person edits elsewhere is judged."""
    found = make(activation=replace(framework.activation, days=14))
    assert from_toml(to_toml(found)) == found
    edited = edit(to_toml(found), "\ncount = 5", "\ncount = 6")
    assert from_toml(edited).activation.count == 6
    own = edit(to_toml(found), "derived = { count = 5, days = 14 }\n", "")
    with pytest.raises(FrameworkError, match="within_days 28 is not before activation days 14"):
        from_toml(own)


def test_what_follows_the_data_may_be_gone_from_the_catalogue(framework, catalogue):
    """derive reads such a file: only what was set by hand has to be known still."""
    less = [feature for feature in catalogue if feature.name != "lists"]
    text = to_toml(framework)
    with pytest.raises(FrameworkError, match="no feature 'lists' in the catalogue"):
        from_toml(text, less)
    assert from_toml(text, less, edited_only=True) == framework
    edited = text.replace('cut = "none"\n', "cut = 1\n", 1)
    with pytest.raises(FrameworkError, match="no feature 'lists' in the catalogue"):
        from_toml(edited, less, edited_only=True)


def test_a_table_without_derived_is_a_persons_own(framework):
    text = edit(to_toml(framework), "derived = { count = 5, days = 56 }\n", "")
    assert [(one.where, one.key, one.derived, one.in_use) for one in overrides(from_toml(text))] == [
        ("activation", "count", None, 5), ("activation", "days", None, 56),
    ]  # fmt: skip


OLD = """\
version = 2
created = 2024-04-01
fingerprint = "abc"
content_hash = "{}"

[[category]]
name = "chat"
features = [
  "inbox",
]
cut = 1
because = "so"

[category.evidence]
candidate = 1
agreement = 0.9
"""


def old_file():
    return OLD.format(content_hash(tomllib.loads(OLD)))


def test_an_older_file_says_what_the_data_said():
    read = from_toml(old_file(), [Feature("inbox", ("inbox",), "chat")])
    assert (read.version, read.categories[0].cut, overrides(read)) == (2, 1, ())


def test_an_older_file_that_was_edited_stands_as_a_whole():
    read = from_toml(edit(old_file(), "\ncut = 1", '\ncut = "none"'))
    assert [(one.where, one.key, one.derived, one.in_use) for one in overrides(read)] == [
        ("category chat", "features", (), ("inbox",))
    ]
    assert read.categories[0].cut is None


def test_review_day_and_owners_are_kept_through_file_and_derive(framework) -> None:
    kept = replace(framework, review_by=date(2024, 9, 1), owners={"setup": "Onboarding", "category chat": "Support"})
    assert from_toml(to_toml(kept)) == kept
    merged = merge(kept, replace(framework, fingerprint="new"))
    assert (merged.review_by, merged.owners) == (kept.review_by, kept.owners)
    assert "review_by =" not in to_toml(framework).split("\nversion =", 1)[1]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('review_by = "soon"', "review_by 'soon'; expected a date such as 2025-07-01"),
        ('owners = { "category chatt" = "Support" }', "no part 'category chatt'; did you mean 'category chat'"),
        ("owners = { setup = 3 }", "owners are no names"),
    ],
)
def test_faults_of_review_day_and_owners(framework, line, said) -> None:
    text = to_toml(framework).replace('fingerprint = "abc"', f'fingerprint = "abc"\n{line}')
    with pytest.raises(FrameworkError, match=said):
        from_toml(text)
