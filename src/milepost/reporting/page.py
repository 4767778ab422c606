"""One HTML file that needs nothing else: no network, no fonts, no images; names from the data are inert text."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from milepost.adoption import Adoption, Standing
from milepost.importance.evidence import FeatureEvidence
from milepost.reporting.account_pack import AccountPack, pack_accounts
from milepost.reporting.category_data import curve_names, describe_curves
from milepost.reporting.facts import plain_sentences, quietest
from milepost.reporting.figure_data import describe, figure_data
from milepost.reporting.metric_data import describe_metrics, issue_rows, metric_rows
from milepost.reporting.milestone_data import describe_milestones, milestone_figures
from milepost.reporting.sentences import VERDICT_WORDS, count_words, five_sentences, interval, percent, points
from milepost.reporting.summary import Summary
from milepost.reporting.text import cut
from milepost.terms import Level, Verdict
from milepost.training.results import Metrics

_MODEL_WORDS = {
    "boosting": "gradient boosting",
    "forest": "random forest",
    "logistic": "logistic regression",
    "base_rate": "base rate (no model)",
    "last_use": "days since last use (a rule, no model)",
}

# searches, filters and sorts the account table, and opens the card of an account
SCRIPT = files("milepost.reporting").joinpath("templates", "report.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Tile:
    """One headline figure: the figure, what it is, and what it stands beside."""

    value: str
    what: str
    beside: str


@dataclass(frozen=True)
class ModelRow:
    """One model of the table: its name in words and its figures; `shared` is the same with accounts on both sides."""

    name: str
    champion: bool
    headline: Metrics
    other: Metrics | None


def render(summary: Summary, figures: dict[str, str]) -> str:
    """The whole page. `figures`: name -> SVG text from `draw_all`; those that are absent are said to be."""
    template = environment().get_template("report.html.j2")
    found = summary.results.evaluation
    return template.render(
        s=summary,
        sentences=five_sentences(summary),
        tiles=_tiles(summary),
        figures={name: Markup(svg) for name, svg in figures.items()},
        captions=describe(figure_data(summary))
        | describe_milestones(milestone_figures(summary.results.milestones))
        | describe_curves(summary.results.curves)
        | describe_metrics(summary.results.metrics),
        retention=metric_rows(summary.results.metrics, True) if summary.results.metrics else (),
        support=metric_rows(summary.results.metrics, False) if summary.results.metrics else (),
        issues=issue_rows(summary.results.metrics) if summary.results.metrics else (),
        curves=curve_names(summary.results.curves),
        models=_models(summary),
        rules_measured=bool(found and "last_use" in found.disjoint),
        segments=found.segments if found else (),
        pack=_pack(summary),
        plainly=_plainly(summary),
        quietest=quietest(summary.results.plainly) if summary.results.plainly else [],
        metrics_headline=found.headline if found else "",
        verdict_words=VERDICT_WORDS,
        rule_words=[(verdict, VERDICT_WORDS[verdict], meaning) for verdict, meaning in _MEANINGS.items()],
        least=count_words(summary.choices.mature_categories),
        script=Markup(SCRIPT),
        script_hash=_script_hash(),
        keep=Verdict.KEEP,
        mature=Level.MATURE,
    )


_STANDINGS = {
    Standing.INSIDE: "inside",
    Standing.UBIQUITOUS: "used by nearly all",
    Standing.NICHE: "used by few",
    Standing.TOO_NEW: "too new to judge",
}

_MEANINGS = {
    Verdict.KEEP: "inside the adoption benchmark, the difference stays after adjustment and over accounts drawn again",
    Verdict.TOO_NEW: "launched inside the observation window; it cannot be compared yet",
    Verdict.UBIQUITOUS: "adopted by more accounts than the benchmark allows; it cannot tell accounts apart",
    Verdict.UBIQUITOUS_INTENSITY: "adopted by nearly all, but how much it is used still tells accounts apart",
    Verdict.NICHE: "adopted by fewer accounts than the benchmark asks for",
    Verdict.NICHE_WATCH: "adopted by few, with a strong difference among those; worth watching",
    Verdict.HARMFUL: "adopters leave more often after adjustment",
    Verdict.CONFOUNDED: "the raw difference is gone once plan, size and depth of use are equal",
    Verdict.PROXY: "the difference is gone once the other features are equal",
    Verdict.NOT_SEPARABLE: "gone after adjustment; too few accounts to say which of the two explains it",
    Verdict.NO_EFFECT: "any difference that helps is smaller than one point",
    Verdict.INCONCLUSIVE: "these data cannot tell",
}


def _tiles(summary: Summary) -> list[Tile]:
    least = count_words(summary.choices.mature_categories)
    tiles = []
    if summary.evidence:
        tiles.append(
            Tile(str(len(summary.kept)), "features mark the accounts that stay", f"of {len(summary.evidence)}")
        )
    maturity = summary.results.maturity
    if maturity is not None and maturity.share_three_or_more is not None:
        beside = "" if maturity.share_entitled is None else f"{percent(maturity.share_entitled)} of those entitled"
        tiles.append(Tile(percent(maturity.share_three_or_more), f"mature in {least} or more categories", beside))
    if summary.risk is not None:
        mrr = "" if summary.risk.mrr_high is None else f"paying {summary.risk.mrr_high:,.0f} MRR"
        tiles.append(Tile(f"{summary.risk.high:,}", f"of {summary.risk.accounts:,} accounts at high risk", mrr))
    if summary.results.evaluation is not None:
        best = summary.results.evaluation.best
        beside = f"{best.low:.3f} to {best.high:.3f}, forward in time"
        tiles.append(Tile(f"{best.roc_auc:.3f}", "AUC of the churn model", beside))
    return tiles


def _pack(summary: Summary) -> AccountPack | None:
    """The account table for the script; None without scores."""
    results = summary.results
    if results.scores is None:
        return None
    journey = results.milestones.journey if results.milestones else None
    return pack_accounts(results.scores, journey.states if journey else None)


def _plainly(summary: Summary) -> list[str]:
    found = summary.results.plainly
    if found is None:
        return []
    return plain_sentences(found, summary.as_of, summary.outcome_window, summary.choices.gap_days)


def standing(row: Adoption, low: float, high: float) -> str:
    """Where the adoption stands, in words; inside the band with few accounts on a side it is neither high nor low."""
    if row.standing in (Standing.UBIQUITOUS, Standing.NICHE) and low <= row.rate <= high:
        return "inside, but too few accounts on one side"
    return _STANDINGS[row.standing]


def _models(summary: Summary) -> list[ModelRow]:
    found = summary.results.evaluation
    if found is None:
        return []
    first, second = (found.disjoint, found.shared) if found.headline == "disjoint" else (found.shared, found.disjoint)
    rows = [
        ModelRow(_MODEL_WORDS.get(name, name), name == found.champion, metrics, second.get(name))
        for name, metrics in first.items()
    ]
    return sorted(rows, key=lambda row: row.headline.log_loss)


@cache
def environment() -> Environment:
    """The templates with their filters; every text is escaped."""
    made = Environment(
        loader=PackageLoader("milepost.reporting"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    filters: dict[str, Any] = {
        "cut": cut, "percent": percent, "points": points, "whole": whole, "decimals": decimals, "effect": effect,
        "p_value": p_value, "in_groups": in_groups, "undefined": undefined, "standing": standing,
    }  # fmt: skip
    made.filters.update(filters)
    return made


def whole(value: float | None) -> str:
    """1234.5 -> "1,234"; "–" where unknown."""
    return "–" if value is None or not isfinite(value) else f"{value:,.0f}"


def decimals(value: float | None, places: int = 3) -> str:
    return "–" if value is None or not isfinite(value) else f"{value:.{places}f}"


def p_value(value: float) -> str:
    """0.0341 -> "0.034"; below a thousandth "< 0.001"."""
    return "–" if not isfinite(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def effect(row: FeatureEvidence) -> str:
    """Effect with its interval: "+4.2 (+2.9 to +5.5)"."""
    return f"{points(row.effect)} ({interval(row.low, row.high)})" if isfinite(row.effect) else "–"


@dataclass(frozen=True)
class GroupTable:
    """Conversion by group: names of the milestones, and rows with group, value, accounts and a share of each."""

    names: list[str]
    rows: list[dict[Any, Any]]


def in_groups(groups: pd.DataFrame) -> GroupTable | None:
    """The plans and sizes of a journey's groups, a row each; None where there are none."""
    shown = groups[groups["group"].isin(["plan", "size"])]
    if shown.empty:
        return None
    wide = shown.pivot_table(index=["group", "value", "accounts"], columns="milestone", values="share", sort=False)
    return GroupTable([str(name) for name in wide.columns], wide.reset_index().to_dict("records"))


def undefined(funnel: pd.DataFrame) -> list[str]:
    """The milestones of a funnel that have no definition: nobody can be judged by them."""
    return [str(name) for name in funnel.loc[funnel["share"].isna(), "milestone"]]


def _script_hash() -> str:
    return base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
