"""The page of a review: what it says first, and that names stay names."""

from milepost.reporting.review_page import draw_changes, review_page
from milepost.review.change import Change
from milepost.review.parts import Part, Standing

FACTS = {"project": "demo", "as_of": "2025-01-01", "since": "2024-07-01", "note": ""}
CHANGE = Change(0.7, 0.4, 1.0, 0.0, -0.3, 0.3, 0.001, (80, 90), True)
BROKEN = Part("feature", "<script>x</script>", Standing.BROKEN, "it fell", "ask", CHANGE, 0.01)


def test_an_alarm_stands_in_the_answer_with_what_to_do() -> None:
    page = review_page("One part.", FACTS, [BROKEN])
    assert "is broken: it fell. To do: ask." in page
    assert "Nothing calls for action" not in page


def test_names_are_text_in_the_table_and_in_the_figure() -> None:
    assert "<script>x" not in review_page("One part.", FACTS, [BROKEN])


def test_without_estimates_there_is_no_figure() -> None:
    page = review_page("One part.", FACTS, [Part("plans", "names", Standing.HOLDS, "as before", "")])
    assert "Nothing calls for action." in page
    assert "<svg" not in page


def test_the_figure_says_its_figures_to_those_who_do_not_see_it() -> None:
    """exp(.7) is 2.01, exp(0) is 1."""
    assert "2.01 before, 1.00 since" in draw_changes([(BROKEN, CHANGE)])
