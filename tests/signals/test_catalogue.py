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
