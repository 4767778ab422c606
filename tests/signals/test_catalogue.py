"""features.csv as a spreadsheet writes it, and every slip with its row."""

from datetime import date

import pytest

from milepost.errors import CatalogueError
from milepost.signals.catalogue import Feature, check_events, read_catalogue

HEADER = "feature,event_names,category,adopted_at_least,plan,launched_at,setup_step,hypothesis\n"


def written(tmp_path, text):
    path = tmp_path / "features.csv"
    path.write_bytes(text.encode("utf-8-sig"))
    return path


def test_every_column_is_read(tmp_path):
    text = HEADER + 'macros,"macro_run|macro_edit",automation,3,growth|premium,2024-04-01,2,mature\nx,x,y,,,,,\n'
    macros, plain = read_catalogue(written(tmp_path, text))
    assert macros == Feature(
        "macros", ("macro_run", "macro_edit"), "automation", "", 3, ("growth", "premium"), date(2024, 4, 1), 2, "mature"
    )
    assert plain == Feature("x", ("x",), "y")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("feature,event_name,category\na,b,c\n", "unknown column 'event_name'; did you mean 'event_names'"),
        ("feature,category\na,b\n", "column 'event_names' is missing; found feature, category"),
        (HEADER, "0 rows; add one row per product feature"),
        (HEADER + "a,b,c,,,,,\n,b,c,,,,,\n", "features.csv row 3: 'feature' is empty"),
        (HEADER + "a,b,c,0,,,,\n", "row 2: adopted_at_least '0'; expected a whole number from 1 up"),
        (HEADER + "a,b,c,many,,,,\n", "row 2: adopted_at_least 'many'"),
        (HEADER + "a,b,c,,,01/04/2024,,\n", "row 2: launched_at '01/04/2024'; expected a date such as 2024-04-01"),
        (HEADER + "a,b,c,,,,,matur\n", "row 2: hypothesis 'matur'; did you mean 'mature'"),
        (HEADER + "a,b,c,,,,,\na,d,c,,,,,\n", "row 3: feature 'a' stands twice"),
    ],
)
def test_a_slip_is_named_with_its_row(tmp_path, text, message):
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(written(tmp_path, text))
    assert message in caught.value.line


def test_an_event_that_never_occurs_gets_the_nearest():
    with pytest.raises(CatalogueError, match="no event 'exprt' in events; did you mean 'export'"):
        check_events([Feature("a", ("exprt",), "c")], ["export", "login"])


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(CatalogueError, match="no such file; run 'milepost init' to propose one"):
        read_catalogue(tmp_path / "features.csv")


def test_an_event_named_twice_counts_once(tmp_path):
    (feature,) = read_catalogue(written(tmp_path, HEADER + "a,run|stop| run,c,,pro|pro,,,\n"))
    assert feature.event_names == ("run", "stop")
    assert feature.plans == ("pro",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # an unquoted comma would move or lose cells
        (
            HEADER + "a,b,c,,,,,\nd,e,f,,,,,,left over\n",
            "row 3: more than 8 cells; put quotes around a cell",
        ),
        # an unclosed quote would swallow every feature after it
        (HEADER + 'a,"b,c,,,,,\nd,e,f,,,,,\n', "not a CSV file: unexpected end of data"),
        ("feature,event_names,category,feature\na,b,c,d\n", "column 'feature' stands twice"),
        ("feature;event_names;category\na;b;c\n", "columns are separated by semicolons; expected commas"),
        # its signals would be named like the account's own
        (HEADER + "account,b,c,,,,,\n", "row 2: feature 'account': this name is taken"),
    ],
)
def test_what_a_spreadsheet_may_do_to_the_file(tmp_path, text, message):
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(written(tmp_path, text))
    assert message in caught.value.line


def test_only_line_ends_end_a_row(tmp_path):
    # U+2028 and form feed are line ends to Python, not to a spreadsheet
    (feature,) = read_catalogue(
        written(tmp_path, "feature,event_names,category,description\na,b,c,one\u2028two\x0cx\n")
    )
    assert feature.description == "one\u2028two\x0cx"


def test_names_of_any_kind(tmp_path):
    text = 'feature,event_names,category\n"a, ""b"": [c]\nd",🚀 launch,ערוץ\n'
    (feature,) = read_catalogue(written(tmp_path, text))
    assert (feature.name, feature.event_names, feature.category) == ('a, "b": [c]\nd', ("🚀 launch",), "ערוץ")


def test_a_file_that_is_not_utf8(tmp_path):
    path = tmp_path / "features.csv"
    path.write_bytes((HEADER + "a,b,c,,,,,\n").encode("utf-16"))
    with pytest.raises(CatalogueError, match="not UTF-8 text; save it as CSV UTF-8"):
        read_catalogue(path)


def test_an_area_may_have_a_metric_of_its_own(tmp_path):
    path = tmp_path / "features.csv"
    head = "feature,event_names,category,area,area_metric,area_metric_per\n"
    path.write_text(head + "a,x,c,inbox,sent|answered,\nb,y,c,inbox,,\nd,z,c,phone,call,account\n", encoding="utf-8")
    a, b, d = read_catalogue(path)
    assert (a.area_metric, a.area_metric_per) == (("sent", "answered"), "seat")
    assert (b.area_metric, b.area_metric_per) == ((), "")
    assert d.area_metric_per == "account"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,x,c,inbox,sent,user\n", "area_metric_per 'user'"),
        ("a,x,c,,sent,\n", "area_metric without an area"),
        ("a,x,c,inbox,sent,\nb,y,c,inbox,call,\n", "area 'inbox' has two metrics"),
    ],
)
def test_a_wrong_area_metric_is_one_line(tmp_path, rows, message):
    path = tmp_path / "features.csv"
    path.write_text("feature,event_names,category,area,area_metric,area_metric_per\n" + rows, encoding="utf-8")
    with pytest.raises(CatalogueError, match=message):
        read_catalogue(path)
