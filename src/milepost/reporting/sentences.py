"""The answer in five sentences; every figure in them is taken from the summary, none is written by hand."""

from __future__ import annotations

from math import isfinite

from milepost.importance.evidence import FeatureEvidence
from milepost.maturity.categories import Contrast
from milepost.reporting.summary import Move, Summary
from milepost.terms import Verdict

VERDICT_WORDS: dict[Verdict, str] = {
    Verdict.KEEP: "kept",
    Verdict.TOO_NEW: "too new to judge",
    Verdict.UBIQUITOUS: "used by nearly all",
    Verdict.UBIQUITOUS_INTENSITY: "used by nearly all, but intensity matters",
    Verdict.NICHE: "used by few",
    Verdict.NICHE_WATCH: "used by few, worth watching",
    Verdict.HARMFUL: "goes with leaving",
    Verdict.CONFOUNDED: "explained by plan, size or depth of use",
    Verdict.PROXY: "stands for another feature",
    Verdict.NOT_SEPARABLE: "not told apart from plan, depth or other features",
    Verdict.NO_EFFECT: "no difference",
    Verdict.INCONCLUSIVE: "cannot tell yet",
}
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NAMED = 3
_LONGEST_NAME = 60


def five_sentences(summary: Summary) -> tuple[str, str, str, str, str]:
    """What keeps accounts, how far along they are, who is about to leave, how good the model is, what was corrected."""
    return _who_stays(summary), _how_far(summary), _who_leaves(summary), _how_good(summary), _what_moved(summary)


def count_words(count: int) -> str:
    """A small count as a word: 3 -> "three", 12 -> "12"."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else f"{count:,}"


def percent(share: float) -> str:
    """0.3124 -> "31.2 %"; "unknown" when it is not a number."""
    return f"{100 * share:.1f} %" if isfinite(share) else "unknown"


def points(value: float) -> str:
    """Percentage points with a sign: 2.0 -> "+2.0", -0.31 -> "−0.3"; "–" when it is not a number."""
    if not isfinite(value):
        return "–"
    shown = f"{abs(value):.1f}"
    return shown if shown == "0.0" else ("+" if value > 0 else "−") + shown


def interval(low: float, high: float) -> str:
    return f"{points(low)} to {points(high)}"


def short(name: str, limit: int = _LONGEST_NAME) -> str:
    """A name on one line, cut with an ellipsis."""
    line = " ".join(name.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def listed(parts: list[str], joiner: str = "and") -> str:
    """["a", "b", "c"] -> "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {joiner} {parts[-1]}"


def _missing(summary: Summary, part: str, what: str) -> str:
    reason = summary.why_missing(part)
    return f"{what} could not be computed" + (f": {reason.rstrip('.')}." if reason else " in this run.")


def _who_stays(summary: Summary) -> str:
    total = len(summary.evidence)
    if not total:
        return _missing(summary, "ranking", "Which features mark the accounts that stay")
    kept = summary.kept
    if not kept:
        unclear = sum(row.verdict == Verdict.INCONCLUSIVE for row in summary.evidence)
        return (
            f"None of {total} features was shown to mark the accounts that stay; for {unclear} of them these data "
            "cannot tell yet."
        )
    verb = "features marks" if len(kept) == 1 else "features mark"
    first = listed([_strength(row) for row in kept[:_NAMED]])
    lead = f"{len(kept)} of {total} {verb} the accounts that stay{', first' if len(kept) > _NAMED else ':'}"
    return (
        f"{lead} {first} points of retention at equal plan, size, tenure, depth of use and other features "
        "(an association)."
    )


def _strength(row: FeatureEvidence) -> str:
    return f"{short(row.feature)} ({points(row.effect)}, interval {interval(row.low, row.high)})"


def _how_far(summary: Summary) -> str:
    maturity, least = summary.results.maturity, count_words(summary.choices.mature_categories)
    what = f"The share of accounts mature in {least} or more categories"
    if maturity is None:
        return _missing(summary, "maturity", what)
    if maturity.share_three_or_more is None:
        return f"{what} is not given: {maturity.reason.rstrip('.')}."
    alive = int(maturity.over_time["accounts"].iloc[-1]) if len(maturity.over_time) else 0
    text = f"{percent(maturity.share_three_or_more)} of {alive:,} accounts are mature in {least} or more categories"
    if maturity.share_entitled is not None:
        text += f" ({percent(maturity.share_entitled)} of those whose plan gives access to so many)"
    return f"{text}{_contrast(maturity.contrast)}."


def _contrast(contrast: Contrast | None) -> str:
    """The cross-fitted contrast in words; an interval that holds zero is no difference shown."""
    if contrast is None or not isfinite(contrast.effect):
        return ""
    figures = f"{points(contrast.effect)} points, interval {interval(contrast.low, contrast.high)}"
    shown = (
        "their retention differs by" if contrast.low > 0 or contrast.high < 0 else "no difference in retention shown:"
    )
    return f"; {shown} {figures}, judged on accounts that did not choose the features"


def _who_leaves(summary: Summary) -> str:
    risk, (first, last) = summary.risk, summary.outcome_window
    if risk is None:
        return _missing(summary, "scores", "Who is about to leave")
    verb = "account is" if risk.accounts == 1 else "accounts are"
    text = (
        f"{risk.high:,} of {risk.accounts:,} {verb} at high risk ({100 * summary.choices.high_from:g} % or more) of "
        f"leaving between {first} and {last}"
    )
    if risk.mrr is not None and risk.mrr_high is not None:
        text += f"; they pay {risk.mrr_high:,.0f} of {risk.mrr:,.0f} MRR"
    if risk.expected_loss is not None:
        text += f", and {risk.expected_loss:,.0f} is the expected loss over all accounts"
    return text + "."


def _how_good(summary: Summary) -> str:
    found = summary.results.evaluation
    if found is None:
        return _missing(summary, "model", "How well churn was foretold")
    models = found.disjoint if found.headline == "disjoint" else found.shared
    best = found.best
    unseen = "accounts it had not seen, " if found.headline == "disjoint" else ""
    beside = [
        f"{words} {models[name].roc_auc:.3f}"
        for name, words in (("logistic", "the logistic model"), ("base_rate", "the base rate"))
        if name in models and name != found.champion
    ]
    return (
        f"Forward in time ({unseen}snapshots {found.split.test_dates[0]} to {found.split.test_dates[1]}; "
        f"{best.test_rows:,} rows, {best.churned_accounts:,} accounts churned, base rate {percent(best.base_rate)}) "
        f"{found.champion} reaches AUC {best.roc_auc:.3f} ({best.low:.3f} to {best.high:.3f})"
        + (f" beside {listed(beside)}" if beside else "")
        + f"; log loss {best.log_loss:.4f}{_base_loss(summary)}."
    )


def _base_loss(summary: Summary) -> str:
    found = summary.results.evaluation
    models = {} if found is None else found.disjoint if found.headline == "disjoint" else found.shared
    return f" beside {models['base_rate'].log_loss:.4f} for the base rate" if "base_rate" in models else ""


def _what_moved(summary: Summary) -> str:
    if not summary.moves:
        return _missing(summary, "naive", "What the corrected list changed against the forest's own list")
    out = [move for move in summary.moves if not move.kept]
    size = len(summary.moves)
    count = len(summary.entrants)
    entered = f"; {count_words(count)} kept feature{' was' if count == 1 else 's were'} not in it" if count else ""
    if not out:
        return f"The forest's own top {size} features are all kept{entered}."
    named = listed([_fallen(move) for move in out[:_NAMED]])
    return f"Of the forest's own top {size} features, {len(out)} fell out, first {named}{entered}."


def _fallen(move: Move) -> str:
    return f"{short(move.feature)} (its no. {move.naive_rank}: {VERDICT_WORDS[move.verdict]})"
