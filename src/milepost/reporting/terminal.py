"""The report in plain text for a terminal: at most 100 columns, about 30 lines."""

from __future__ import annotations

import textwrap
from math import isfinite

from milepost.importance.evidence import FeatureEvidence
from milepost.reporting.sentences import five_sentences, percent, points, short
from milepost.reporting.summary import Summary

WIDTH = 100
_ROWS = 10


def terminal_summary(summary: Summary) -> str:
    """Alarms, the five sentences, the first ten features, a maturity line, the churn figures and what is missing."""
    lines = [f"{short(summary.project)}, accounts as of {summary.as_of}", ""]
    lines += [line for alarm in summary.results.alarms for line in _wrapped(f"ALARM: {alarm}", "")]
    for place, sentence in enumerate(five_sentences(summary), start=1):
        lines += _wrapped(sentence, f"{place}. ")
    if summary.evidence:
        lines += ["", *_ranking(summary)]
    lines += ["", *_levels(summary), *_models(summary)]
    lines += [line for text in summary.results.missing for line in _wrapped(f"Missing: {text}", "")]
    return "\n".join(_printable(line) for line in lines).rstrip() + "\n"


def _wrapped(text: str, lead: str) -> list[str]:
    return textwrap.wrap(lead + text, WIDTH, subsequent_indent=" " * len(lead))


def _printable(line: str) -> str:
    """A line without control characters: a name in the data must not steer the terminal."""
    return "".join(char if char.isprintable() else "�" for char in line)[:WIDTH]


def _ranking(summary: Summary) -> list[str]:
    head = f"{'':>3} {'feature':<26} {'category':<16} {'verdict':<20} {'points [low, high]':>20} {'adoption':>8}"
    rows = [_feature(row) for row in summary.evidence[:_ROWS]]
    more = len(summary.evidence) - _ROWS
    return [head, *rows, *([f"    … and {more} more in the report"] if more > 0 else [])]


def _feature(row: FeatureEvidence) -> str:
    effect = f"{points(row.effect)} [{points(row.low)}, {points(row.high)}]" if isfinite(row.effect) else "–"
    adoption = f"{100 * row.adoption:.0f} %" if isfinite(row.adoption) else "–"
    names = f"{short(row.feature, 26):<26} {short(row.category, 16):<16} {row.verdict.value:<20}"
    return f"{row.rank:>3} {names} {effect:>20} {adoption:>8}"


def _levels(summary: Summary) -> list[str]:
    maturity = summary.results.maturity
    if maturity is None or not maturity.share_by_category:
        return []
    shares = ", ".join(f"{short(name, 30)} {percent(share)}" for name, share in maturity.share_by_category.items())
    return _wrapped(f"Mature by category: {shares}", "")


def _models(summary: Summary) -> list[str]:
    found = summary.results.evaluation
    if found is None:
        return []
    lines = ["Churn, AUC / log loss forward in time:"]
    for how, models in (("no account on both sides", found.disjoint), ("same accounts allowed", found.shared)):
        figures = ", ".join(f"{name} {model.roc_auc:.3f} / {model.log_loss:.4f}" for name, model in models.items())
        lines += _wrapped(f"{how}: {figures}", "  ")
    return lines
