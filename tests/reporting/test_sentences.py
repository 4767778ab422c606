from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import nan

import pytest

from milepost.reporting.sentences import count_words, five_sentences, listed, points, short
from milepost.reporting.summary import Summary
from milepost.terms import Verdict


def test_who_stays(summary: Summary) -> None:
    assert five_sentences(summary)[0] == (
        "6 of 20 features mark the accounts that stay, first macros (+4.2, interval +2.9 to +5.5), help_center (+3.6, "
        "interval +2.4 to +4.8) and api_tokens (+3.1, interval +2.0 to +4.2) points of retention at equal plan, size, "
        "tenure, depth of use and other features (an association)."
    )


def test_how_far(summary: Summary) -> None:
    assert five_sentences(summary)[1] == (
        "30.0 % of 1,500 accounts are mature in three or more categories (44.0 % of those whose plan gives access to "
        "so many); their retention differs by +2.6 points, interval +1.1 to +4.1, judged on accounts that did not "
        "choose the features."
    )


def test_who_leaves(summary: Summary) -> None:
    assert five_sentences(summary)[2] == (
        "2 of 6 accounts are at high risk (15 % or more) of leaving between 2024-07-15 and 2024-09-08; they pay 300 of "
        "2,100 MRR, and 180 is the expected loss over all accounts."
    )


def test_how_good(summary: Summary) -> None:
    assert five_sentences(summary)[3] == (
        "Forward in time (accounts it had not seen, snapshots 2023-12-01 to 2024-04-01; 4,000 rows, 201 accounts "
        "churned, base rate 6.1 %) boosting reaches AUC 0.781 (0.761 to 0.801) beside the logistic model 0.762 and the "
        "base rate 0.500; log loss 0.2104 beside 0.2291 for the base rate."
    )


def test_what_moved(summary: Summary) -> None:
    assert five_sentences(summary)[4] == (
        "Of the forest's own top 15 features, 10 fell out, first inbox (its no. 1: used by nearly all), search (its "
        "no. 2: used by nearly all) and profile (its no. 3: used by nearly all); one kept feature was not in it."
    )


def test_nothing_kept_is_said(make_summary: Callable[..., Summary], summary: Summary) -> None:
    evidence = tuple(replace(row, verdict=Verdict.INCONCLUSIVE) for row in summary.evidence)
    assert five_sentences(make_summary(evidence=evidence))[0] == (
        "None of 20 features was shown to mark the accounts that stay; for 20 of them these data cannot tell yet."
    )


def test_what_is_missing_is_said_with_its_reason(make_summary: Callable[..., Summary]) -> None:
    missing = ("model: 12 churned accounts, 50 are needed.", "ranking: 12 churned accounts")
    found = make_summary(evidence=None, maturity=None, evaluation=None, scores=None, missing=missing)
    assert five_sentences(found) == (
        "Which features mark the accounts that stay could not be computed: 12 churned accounts.",
        "The share of accounts mature in three or more categories could not be computed in this run.",
        "Who is about to leave could not be computed in this run.",
        "How well churn was foretold could not be computed: 12 churned accounts, 50 are needed.",
        "What the corrected list changed against the forest's own list could not be computed in this run.",
    )


def test_a_headline_that_is_null_gives_the_reason(make_summary: Callable[..., Summary], summary: Summary) -> None:
    maturity = summary.results.maturity
    assert maturity is not None
    few = replace(maturity, share_three_or_more=None, reason="2 categories hold a kept feature.")
    assert five_sentences(make_summary(maturity=few))[1] == (
        "The share of accounts mature in three or more categories is not given: 2 categories hold a kept feature."
    )


def test_a_contrast_whose_interval_holds_zero_shows_no_difference(
    make_summary: Callable[..., Summary], summary: Summary
) -> None:
    maturity = summary.results.maturity
    assert maturity is not None
    assert maturity.contrast is not None
    unclear = replace(maturity, contrast=replace(maturity.contrast, low=-0.4))
    assert (
        "no difference in retention shown: +2.6 points, interval −0.4 to +4.1"
        in (five_sentences(make_summary(maturity=unclear))[1])
    )


@pytest.mark.parametrize("name", ["cause", "customer", "nan", "None"])
def test_words_that_are_never_printed(make_summary: Callable[..., Summary], name: str) -> None:
    for found in (make_summary(), make_summary(scores=None, maturity=None)):
        assert name not in " ".join(five_sentences(found)).replace("None of", "")


def test_small_words() -> None:
    assert [points(value) for value in (2.04, -0.31, -0.04, nan)] == ["+2.0", "−0.3", "0.0", "–"]
    assert [count_words(count) for count in (3, 12, 1200)] == ["three", "12", "1,200"]
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert short("a\nb") == "a b"
    assert short("x" * 100) == "x" * 59 + "…"
