"""What `milepost train` prints of the champion beside its figures: reliability, comparisons, lift, groups, canary."""

from __future__ import annotations

import textwrap
from math import isnan

from milepost.pipeline.result import table
from milepost.training.results import Evaluation, Interval, Reliability, SegmentFigures

MOST_GROUPS = 16


def beside(evaluation: Evaluation) -> str:
    """Everything that helps to judge the champion, in paragraphs; 95 % intervals are over accounts drawn again."""
    parts = [f"{evaluation.champion} is the champion: {evaluation.chosen_because}"]
    if evaluation.reliability is not None:
        parts.append(_reliability(evaluation.reliability))
    parts += [_against(evaluation), _acting(evaluation), _saving(evaluation), _segments(evaluation.segments)]
    parts += [_horizons(evaluation), _learning(evaluation), _canary(evaluation)]
    return "\n\n".join(part for part in parts if part)


def span(ends: Interval, digits: int = 3, sign: str = "") -> str:
    """An interval in words.

    >>> span((0.1, 0.25), 2)
    '0.10 to 0.25'
    """
    return f"{ends[0]:{sign}.{digits}f} to {ends[1]:{sign}.{digits}f}"


def _reliability(found: Reliability) -> str:
    text = (
        f"risks against what happened: slope {found.slope:.2f} ({span(found.slope_interval, 2)}), observed over "
        f"expected {found.observed_over_expected:.2f} ({span(found.observed_over_expected_interval, 2)}),\n"
        f"Brier skill {found.brier_skill:.3f} ({span(found.brier_skill_interval)})"
    )
    if isnan(found.months):
        return text
    return (
        f"{text}\nin other months, which differ by {found.months:.0%} by themselves: slope "
        f"{span(found.slope_elsewhere, 2)}, observed over expected {span(found.observed_over_expected_elsewhere, 2)}"
    )


def _against(evaluation: Evaluation) -> str:
    rows = [
        [row.model, f"{row.roc_auc:+.4f}", span(row.roc_auc_interval, 3, "+"), f"{row.ahead:.0%}",
         f"{row.log_loss:+.4f}", span(row.log_loss_interval, 4, "+")]
        for row in evaluation.against
    ]  # fmt: skip
    header = ["the champion less", "AUC", "95 % interval", "ahead in", "log loss", "95 % interval"]
    return table(header, rows) if rows else ""


def _acting(evaluation: Evaluation) -> str:
    rows = [
        [f"{row.share:.0%}", f"{row.lift:.2f}", span(row.lift_interval, 2), f"{row.recall:.1%}",
         f"{row.recall_interval[0]:.1%} to {row.recall_interval[1]:.1%}"]
        for row in evaluation.acting
    ]  # fmt: skip
    return table(["acting on", "lift", "95 % interval", "churned found", "95 % interval"], rows) if rows else ""


def _saving(evaluation: Evaluation) -> str:
    rows = [
        [f"the largest {row.order}" if row.order != "at random" else row.order, f"{row.saved:,.0f}",
         f"{row.saved_interval[0]:,.0f} to {row.saved_interval[1]:,.0f}"]
        for row in evaluation.saving
    ]  # fmt: skip
    if not rows:
        return ""
    head = (
        f"MRR saved a date by {evaluation.saving[0].contacts:,} contacts, less their cost; how many of those who would "
        "leave a contact keeps is assumed (training.saved_share)"
    )
    return f"{textwrap.fill(head, 100)}\n{table(['contacting', 'saved', '95 % interval'], rows)}"


def _horizons(evaluation: Evaluation) -> str:
    rows = [
        [f"{row.days} days", f"{row.rows:,}", f"{row.left:,}", f"{row.foretold:.1%}", f"{row.share:.1%}",
         f"{row.observed_over_expected:.2f} ({span(row.observed_over_expected_interval, 2)})", f"{row.roc_auc:.3f}"]
        for row in evaluation.horizons
    ]  # fmt: skip
    header = ["leaving within", "rows", "left", "foretold", "happened", "observed over expected", "AUC"]
    return table(header, rows) if rows else ""


def _learning(evaluation: Evaluation) -> str:
    rows = [
        [f"{row.count:,} {row.kind}", f"{row.rows:,}", f"{row.churned:,}", f"{row.roc_auc:.3f}",
         span((row.low, row.high))]
        for row in evaluation.learning
    ]  # fmt: skip
    return table(["learning from", "rows", "churned", "AUC", "95 % interval"], rows) if rows else ""


def _segments(found: tuple[SegmentFigures, ...]) -> str:
    rows = [
        [row.group, row.value[:24] or "unknown", f"{row.rows:,}", f"{row.churned:,}", _auc(row),
         f"{row.foretold:.1%}", f"{row.share:.1%}"]
        for row in found[:MOST_GROUPS]
    ]  # fmt: skip
    return table(["group", "value", "rows", "churned", "AUC", "foretold", "happened"], rows) if rows else ""


def _auc(row: SegmentFigures) -> str:
    return "too few churned" if row.auc is None else f"{row.auc:.3f} ({span((row.low, row.high))})"


def _canary(evaluation: Evaluation) -> str:
    found = evaluation.canary
    if found is None:
        return ""
    return (
        f"canary: taught on shuffled outcomes {found.shuffles} times, AUC {found.roc_auc:.3f} on average "
        f"({found.low:.3f} to {found.high:.3f}); 0.5 is nothing"
    )
