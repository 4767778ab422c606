from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from milepost.reporting.sentences import five_sentences
from milepost.reporting.summary import Summary
from milepost.reporting.terminal import terminal_summary


def test_it_is_narrow_and_short(summary: Summary) -> None:
    lines = terminal_summary(summary).splitlines()
    assert max(map(len, lines)) <= 100
    assert 25 <= len(lines) <= 40


def test_it_holds_the_five_sentences_whole(summary: Summary) -> None:
    text = " ".join(terminal_summary(summary).split())
    for sentence in five_sentences(summary):
        assert sentence in text


def test_the_first_row_of_the_ranking(summary: Summary) -> None:
    row = next(line for line in terminal_summary(summary).splitlines() if line.startswith("  1 "))
    assert row.split() == ["1", "macros", "automation", "keep", "+4.2", "[+2.9,", "+5.5]", "42", "%"]


def test_alarms_come_before_the_answer(make_summary: Callable[..., Summary]) -> None:
    text = terminal_summary(make_summary(alarms=("signal 'seats' foretells churn with AUC 0.99",)))
    assert text.index("ALARM: signal 'seats'") < text.index("1. 6 of 20")


def test_a_name_cannot_steer_the_terminal(make_summary: Callable[..., Summary], summary: Summary) -> None:
    first = replace(summary.evidence[0], feature="\x1b[2J\x1b]0;gone\x07 evil\nnew")
    text = terminal_summary(make_summary(evidence=(first, *summary.evidence[1:])))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_what_is_missing_is_listed(make_summary: Callable[..., Summary]) -> None:
    found = make_summary(evidence=None, maturity=None, evaluation=None, scores=None, missing=("model: too few rows",))
    text = terminal_summary(found)
    assert "Missing: model: too few rows" in text
    assert "verdict" not in text
