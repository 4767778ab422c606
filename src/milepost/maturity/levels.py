"""Categories with their cut between basic and mature, and the share of accounts mature in enough of them.

A category without a clear cut has no levels: they are null in it, and it counts towards nothing until a person sets
its cut in the framework file. The headline is null when fewer categories have a cut than it asks for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.adoption import available
from milepost.errors import FrameworkError, nearest
from milepost.importance.design import Design, make_design, ranked_rows
from milepost.importance.effect import Effect, effect_of
from milepost.importance.logistic import one_thread
from milepost.importance.ranking import Ranking
from milepost.importance.verdicts import figures, percent
from milepost.maturity.categories import Category, Contrast, Maturity
from milepost.maturity.contrast import contrasts
from milepost.maturity.cuts import CutChoice, by_category, find_cut
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Observations
from milepost.terms import SNAPSHOT, Level

Flags = NDArray[np.bool_]


class HasCategories(Protocol):
    """Anything with categories: a framework."""

    @property
    def categories(self) -> tuple[Category, ...]: ...


def derive_maturity(
    observations: Observations,
    outcomes: Outcomes,
    ranking: Ranking,
    settings: Settings,
    as_of_observations: Observations,
) -> Maturity:
    """Categories of the kept features, their cuts, and the headline among the accounts running at the scored date.

    observations: the rows that are learned from, over time; as_of_observations: the rows of the scored date.
    """
    used, found = ranked_rows(observations, outcomes, settings)
    groups = by_category(used, [row.feature for row in ranking.kept])
    contrast: Contrast | None = None
    expansion: Contrast | None = None
    categories: tuple[Category, ...] = ()
    with one_thread():
        if groups:
            design = make_design(used, found)
            categories = tuple(_derive(used, design, (name, columns), settings) for name, columns in groups.items())
        if len(groups) >= settings.maturity.mature_categories:
            contrast, expansion = contrasts(used, found, settings)
    described = describe(categories, contrast, (observations, as_of_observations), settings)
    return replace(described, expansion=expansion)


def describe(
    categories: tuple[Category, ...],
    contrast: Contrast | None,
    seen: tuple[Observations, Observations],
    settings: Settings,
) -> Maturity:
    """The shares of mature accounts: at the scored date, over time, by group and among those entitled to it."""
    past, now = seen
    needed = settings.maturity.mature_categories
    reason = _why_not(categories, needed)
    reached = _reached(now, categories)
    enough = _count(reached, len(now.counts)) >= needed
    entitled = _entitled(now, categories) >= needed
    over_time = _over_time(past, now, categories, needed)
    if reason:
        over_time["share"] = np.nan
    return Maturity(
        categories=categories,
        share_three_or_more=None if reason or not len(enough) else float(enough.mean()),
        share_entitled=None if reason or not entitled.any() else float(enough[entitled].mean()),
        reason=reason,
        share_by_category={name: float(mature.mean()) for name, mature in reached.items() if len(mature)},
        over_time=over_time,
        by_group=_by_group(now, enough) if not reason else _by_group(now, enough).assign(share=np.nan),
        contrast=contrast,
    )


def levels_for(observations: Observations, framework: HasCategories) -> pd.DataFrame:
    """One row per row: `level_<category>` (`basic`, `mature`, None without a cut) and `mature_categories`, a count.

    Raises FrameworkError for a feature that the catalogue does not have.
    """
    reached = _reached(observations, framework.categories)
    columns: dict[str, object] = {}
    for category in framework.categories:
        if category.cut is None:
            columns[f"level_{category.name}"] = np.full(len(observations.counts), None, dtype=object)
        else:
            named = np.where(reached[category.name], Level.MATURE.value, Level.BASIC.value)
            columns[f"level_{category.name}"] = named.astype(object)
    columns["mature_categories"] = _count(reached, len(observations.counts))
    return pd.DataFrame(columns, index=pd.RangeIndex(len(observations.counts)))


def evidence_for(observations: Observations, design: Design, category: Category) -> Category:
    """The category with the figures of the cut and features it has, whoever chose them; without a cut, its candidate's.

    observations: the rows of the design. Raises FrameworkError for a feature that the catalogue does not have.
    """
    score = _score(observations, category)
    with one_thread():
        measured, _ = _figures(design, score, category.cut if category.cut is not None else category.candidate)
    found: dict[str, Any] = dict(measured)
    return replace(category, **found)


def recut(observations: Observations, design: Design, category: Category, settings: Settings) -> Category:
    """The category with the candidate, and its agreement, that the data choose for the features it has."""
    rules = settings.maturity
    with one_thread():
        choice = find_cut(
            design, _score(observations, category), settings.adoption.min_accounts, rules.bootstraps,
            settings.project.seed,
        )  # fmt: skip
    return replace(category, candidate=choice.candidate, agreement=choice.agreement)


def _score(observations: Observations, category: Category) -> NDArray[np.intp]:
    """[rows]: how many of its features each row has adopted."""
    return np.asarray(observations.adopted[:, _columns(observations, category)].sum(axis=1), dtype=np.intp)


def _derive(
    observations: Observations, design: Design, group: tuple[str, NDArray[np.intp]], settings: Settings
) -> Category:
    """One category: its cut, how sure that is, and how retention differs across it."""
    name, columns = group
    score = observations.adopted[:, columns].sum(axis=1).astype(np.intp)
    rules = settings.maturity
    choice = find_cut(design, score, settings.adoption.min_accounts, rules.bootstraps, settings.project.seed)
    clear = choice.candidate is not None and choice.agreement >= rules.min_cut_agreement
    measured, effect = _figures(design, score, choice.candidate)
    return Category(
        name=name,
        features=tuple(observations.features[column].name for column in columns),
        cut=choice.candidate if clear else None,
        candidate=choice.candidate,
        agreement=choice.agreement,
        because=_because(choice, len(columns), clear, effect, measured["mature_share"]),
        **measured,
    )


def _figures(design: Design, score: NDArray[np.intp], cut: int | None) -> tuple[dict[str, float], Effect]:
    """How retention differs across a cut (None: nobody is above it), as the figures of a category, and the effect."""
    mature = score >= (cut if cut is not None else np.inf)
    effect = effect_of(design, mature, np.ones(len(score), dtype=bool))
    stayed = design.churned == 0
    retained = [float(stayed[side].mean()) if side.any() else float("nan") for side in (mature, ~mature)]
    return {
        "mature_share": float(mature.mean()),
        "ppv": retained[0],
        "sensitivity": float(mature[stayed].mean()),
        "retained_mature": retained[0],
        "retained_basic": retained[1],
        "effect": effect.effect,
        "low": effect.low,
        "high": effect.high,
    }, effect


def _because(choice: CutChoice, features: int, clear: bool, effect: Effect, share: float) -> str:
    if choice.candidate is None:
        return f"No cut of {features} kept features has accounts enough on both sides and goes with staying."
    found = f"{choice.candidate} of {features} kept features part the accounts best"
    agreed = f"{percent(choice.agreement)} of account draws choose the same cut"
    tail = f"; {percent(share)} reach it, retention differs by {figures(effect)} (found and measured on the same rows)."
    return f"{found}; {agreed}{tail}" if clear else f"No clear cut: {found}, but only {agreed}{tail}"


def _why_not(categories: tuple[Category, ...], needed: int) -> str:
    """Why the headline cannot be given, "" when it can."""
    if not categories:
        return f"no category holds a kept feature, {needed} are needed"
    if len(categories) < needed:
        names = ", ".join(category.name for category in categories)
        hold = "category holds" if len(categories) == 1 else "categories hold"
        return f"only {len(categories)} {hold} a kept feature ({names}), {needed} are needed"
    clear = [category for category in categories if category.cut is not None]
    if len(clear) >= needed:
        return ""
    unclear = ", ".join(
        f"{category.name} (candidate {category.candidate or 'none'}, agreement {percent(category.agreement)})"
        for category in categories
        if category.cut is None
    )
    return f"only {len(clear)} categories have a clear cut, {needed} are needed; without one: {unclear}"


def _reached(observations: Observations, categories: tuple[Category, ...]) -> dict[str, Flags]:
    """Category -> bool [rows]: at or above the cut, for categories that have one."""
    adopted = observations.adopted
    return {
        category.name: adopted[:, _columns(observations, category)].sum(axis=1) >= category.cut
        for category in categories
        if category.cut is not None
    }


def _count(reached: Mapping[str, Flags], rows: int) -> NDArray[np.int64]:
    """In how many categories each row is mature."""
    total = np.zeros(rows, dtype=np.int64)
    for mature in reached.values():
        total += mature
    return total


def _entitled(observations: Observations, categories: tuple[Category, ...]) -> NDArray[np.int64]:
    """In how many categories each row has access to as many kept features as the cut asks for."""
    allowed = available(observations)
    could = {
        category.name: allowed[:, _columns(observations, category)].sum(axis=1) >= category.cut
        for category in categories
        if category.cut is not None
    }
    return _count(could, len(observations.counts))


def _columns(observations: Observations, category: Category) -> list[int]:
    position = {feature.name: column for column, feature in enumerate(observations.features)}
    for name in category.features:
        if name not in position:
            raise FrameworkError(
                f"category '{category.name}': no feature '{name}' in the catalogue", where="framework.toml",
                fix=nearest(name, position),
            )  # fmt: skip
    return [position[name] for name in category.features]


def _over_time(past: Observations, now: Observations, categories: tuple[Category, ...], needed: int) -> pd.DataFrame:
    """`snapshot_date`, `accounts`, `share` of accounts mature in enough categories, the scored date last."""
    frames = [
        pd.DataFrame({
            SNAPSHOT: rows.context[SNAPSHOT].to_numpy(),
            "enough": _count(_reached(rows, categories), len(rows.counts)) >= needed,
        })
        for rows in (past, now)
    ]  # fmt: skip
    latest = now.context[SNAPSHOT].max() if len(now.context) else None
    earlier = frames[0] if latest is None else frames[0][frames[0][SNAPSHOT] < latest]
    grouped = pd.concat([earlier, frames[1]]).groupby(SNAPSHOT)["enough"]
    return pd.DataFrame({"accounts": grouped.size(), "share": grouped.mean()}).reset_index()


def _by_group(observations: Observations, enough: Flags) -> pd.DataFrame:
    """`group`, `value`, `accounts`, `share` at the scored date."""
    frames = []
    for group, column in (("plan", "plan"), ("size", "size_band")):
        values = observations.context[column].replace("", "unknown").to_numpy()
        found = pd.DataFrame({"value": values, "enough": enough}).groupby("value")["enough"]
        shares = pd.DataFrame({"accounts": found.size(), "share": found.mean()}).reset_index().assign(group=group)
        frames.append(shares.sort_values("value", key=lambda names: names.map(_first_number), kind="stable"))
    return pd.concat(frames, ignore_index=True)[["group", "value", "accounts", "share"]]


def _first_number(name: str) -> int:
    """Size bands in the order of their seats: "6-20 seats" before "21-100 seats", "over 100 seats" after it."""
    digits = re.search(r"\d+", name)
    return 0 if digits is None else int(digits.group()) + name.startswith("over")
