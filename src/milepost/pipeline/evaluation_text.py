"""The figures of a training as the answer for machines and as the first table for people."""

from __future__ import annotations

from dataclasses import asdict

from milepost.pipeline.result import table
from milepost.training.results import Evaluation, Metrics


def churn_json(evaluation: Evaluation) -> dict[str, object]:
    """The `churn` part of the answer: the champion under the headline, then every model both ways."""
    best = asdict(evaluation.best)
    return {
        **{name: best[name] for name in ("roc_auc", "pr_auc", "log_loss", "brier", "base_rate", "test_rows")},
        "roc_auc_low": best["low"],
        "roc_auc_high": best["high"],
        "calibration_error": best["calibration_error"],
        "churned_accounts": best["churned_accounts"],
        "champion": evaluation.champion,
        "headline": evaluation.headline,
        "chosen_because": evaluation.chosen_because,
        "reliability": evaluation.reliability and asdict(evaluation.reliability),
        "against": [asdict(row) for row in evaluation.against],
        "acting": [asdict(row) for row in evaluation.acting],
        "segments": [asdict(row) for row in evaluation.segments],
        "horizons": [asdict(row) for row in evaluation.horizons],
        "saving": [asdict(row) for row in evaluation.saving],
        "learning": [asdict(row) for row in evaluation.learning],
        "canary": evaluation.canary and asdict(evaluation.canary),
        "account_disjoint": {name: asdict(metrics) for name, metrics in evaluation.disjoint.items()},
        "same_accounts": {name: asdict(metrics) for name, metrics in evaluation.shared.items()},
        "train_dates": [str(day) for day in evaluation.split.train_dates],
        "test_dates": [str(day) for day in evaluation.split.test_dates],
    }


def comparison(evaluation: Evaluation) -> str:
    """Every model, both ways, as a table; the champion is marked."""
    rows = [
        _row(name, how, metrics, name == evaluation.champion and kind == evaluation.headline)
        for kind, how, figures in (
            ("disjoint", "no account on both sides", evaluation.disjoint),
            ("shared", "same accounts allowed", evaluation.shared),
        )
        for name, metrics in figures.items()
    ]
    test = evaluation.split.test_dates
    best = evaluation.best
    head = (
        f"tested on {best.test_rows:,} rows, {test[0]} to {test[1]}: {best.churned_rows:,} churned rows of "
        f"{best.churned_accounts:,} accounts, base rate {best.base_rate:.1%}"
    )
    return head + "\n" + table(["", "model", "split", "AUC", "95 % interval", "PR AUC", "log loss", "Brier"], rows)


def _row(name: str, how: str, metrics: Metrics, champion: bool) -> list[str]:
    figures = (metrics.roc_auc, metrics.pr_auc, metrics.log_loss, metrics.brier)
    auc, pr_auc, log_loss, brier = (f"{figure:.4f}" for figure in figures)
    return [
        "*" if champion else "",
        name,
        how,
        auc,
        f"{metrics.low:.3f} to {metrics.high:.3f}",
        pr_auc,
        log_loss,
        brier,
    ]
