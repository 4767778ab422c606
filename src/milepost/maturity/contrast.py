"""Is being mature in enough categories associated with staying: a contrast on accounts that did not choose the rules.

Chosen and tested on the same accounts, such a contrast looks real where there is nothing: features are kept because
they parted these very accounts. So the accounts are dealt into five folds that stand in a row; what "mature" means for
the accounts of a fold is chosen on the folds before it, and one contrast is estimated over all folds that got rules.
A row, not a round: where each fold chooses for every other one, an account speaks through the rules of those that
speak through its own, the folds' contrasts move together, and where nothing is there the errors are up to a third
too small. In a row each fold is a fair draw given what came before it, which is all the interval asks for.

Accounts are compared at equal depth of use and at equal use of the features that are in no rule. Depth is known with
an error that mature accounts would hide behind, so each half of the features foretells the depth that the other half
shows, as in regression calibration from replicates (Carroll, Ruppert, Stefanski and Crainiceanu 2006, chapter 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from milepost.adoption import available
from milepost.importance.activity import activity
from milepost.importance.design import Design, account_codes, make_design, standardised
from milepost.importance.effect import Effect, effect_of
from milepost.importance.relations import find_relations
from milepost.importance.study import kept_features
from milepost.importance.verdicts import figures, probability
from milepost.maturity.categories import Contrast
from milepost.maturity.cuts import by_category, find_cut
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, Goal

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
FOLDS = 5
FIRST_TESTED = 2  # the folds before it only choose: rules of fewer accounts say little about the rules in use
LEAST_AGREEMENT = 0.3  # correlation of two halves of depth under which they foretell nothing of each other
Rules = tuple[tuple[NDArray[np.intp], int], ...]
Choose = Callable[[Observations, Outcomes, Settings], Rules]

_SAID = {
    Goal.RETAINED: ("retention", ""),
    Goal.EXPANDED: ("expansion", "; accounts that churned count as not expanded"),
}


@dataclass(frozen=True)
class Assigned:
    """Who counts as mature by rules that other accounts chose.

    mature: bool [rows]; tested: bool [rows], False where an account only chose, or got rules of too few categories;
    beside: float [rows], adoption of available features that are in no rule of the row's fold and follow none in it,
    less what is usual for them; needed: categories that make an account mature; most: the most that any rules held.
    """

    mature: Flags
    tested: Flags
    beside: Floats
    needed: int
    most: int


def contrasts(observations: Observations, outcomes: Outcomes, settings: Settings) -> tuple[Contrast, Contrast]:
    """The contrasts on retention and on expansion in points; NaN with the reason where no rules hold enough categories.

    The rows are those of the ranking: outcome known, account old enough. The rules are chosen by retention for both.
    """
    assigned = assign(observations, outcomes, settings)
    retained, expanded = (
        contrast_of(assigned, observations, outcomes, goal) for goal in (Goal.RETAINED, Goal.EXPANDED)
    )
    return retained, expanded


def assign(
    observations: Observations, outcomes: Outcomes, settings: Settings, choose: Choose | None = None
) -> Assigned:
    """Choose rules on the folds before each tested fold, and judge its accounts by them."""
    needed, most = settings.maturity.mature_categories, 0
    fold = account_folds(observations, settings.project.seed)
    followers = find_relations(observations).followers
    mature, tested, beside = np.zeros(len(fold), dtype=bool), np.zeros(len(fold), dtype=bool), np.zeros(len(fold))
    for number in range(FIRST_TESTED, FOLDS):
        before, here = fold < number, fold == number
        rules = (choose or choose_rules)(observations.take(before), outcomes.take(before), settings)
        most = max(most, len(rules))
        if len(rules) < needed or not here.any():
            continue
        tested |= here
        mature[here] = is_mature(observations, rules, needed)[here]
        beside[here] = _beside(observations, rules, followers)[here]
    return Assigned(mature, tested, beside, needed, most)


def contrast_of(
    assigned: Assigned, observations: Observations, outcomes: Outcomes, goal: Goal = Goal.RETAINED
) -> Contrast:
    """The contrast of the accounts that were tested, on what is known of the goal."""
    judged = _by_goal(outcomes, goal)
    if not judged.known.any():
        return unknown("Expansion is not known: it needs MRR or seats over time.", goal)
    if not assigned.tested.any():
        held = "category holds" if assigned.most == 1 else "categories hold"
        return unknown(
            f"Chosen on other accounts, only {assigned.most} {held} a kept feature with a cut: the contrast of "
            f"accounts mature in {assigned.needed} or more cannot be tested yet.", goal,
        )  # fmt: skip
    rows = assigned.tested & judged.known
    mature, missed = assigned.mature[rows], judged.churned[rows]
    if not _two_sided(mature):
        return unknown(f"No two sides: all accounts or none are mature in {assigned.needed} or more categories.", goal)
    if not _two_sided(missed):
        return unknown(f"No two sides: all accounts that were judged, or none, count for {_SAID[goal][0]}.", goal)
    design = adjusted(assigned, observations, judged)
    effect = effect_of(design, mature, np.ones(len(mature), dtype=bool))
    accounts = account_codes(observations.context[ACCOUNT].to_numpy())[1]
    return _contrast(effect, design.accounts, accounts, assigned.needed, goal)


def adjusted(assigned: Assigned, observations: Observations, outcomes: Outcomes) -> Design:
    """The design of the tested rows with a known outcome: use of other features, and depth as it is foretold."""
    rows = assigned.tested & outcomes.known
    seen = observations.take(rows)
    design = make_design(seen, outcomes.take(rows))
    given = np.column_stack([design.without_depth, _bent(assigned.beside[rows])])
    foretold = foretold_depth(seen, np.column_stack([given, assigned.mature[rows]]))
    kept = design.controls[:, design.controls.shape[1] - design.depth_columns :]
    depth = kept if foretold is None else _bent(foretold)
    return replace(design, controls=np.column_stack([given, depth]), depth_columns=depth.shape[1])


def account_folds(observations: Observations, seed: int) -> NDArray[np.intp]:
    """[rows]: the fold of each row's account, 0..FOLDS-1; every account is wholly in one."""
    codes, count = account_codes(observations.context[ACCOUNT].to_numpy())
    return np.asarray((np.random.default_rng(seed).permutation(count) % FOLDS)[codes], dtype=np.intp)


def choose_rules(observations: Observations, outcomes: Outcomes, settings: Settings) -> Rules:
    """Columns and cut of every category that these accounts would choose; an unclear cut counts too."""
    if not len(observations.counts):
        return ()
    design = make_design(observations, outcomes)
    if design.churned_accounts < 2:
        return ()
    kept = kept_features(observations, design, settings)
    return cut_rules(observations, design, kept, settings)


def cut_rules(observations: Observations, design: Design, kept: Iterable[str], settings: Settings) -> Rules:
    """Columns and cut of every category with a kept feature."""
    rules = []
    for columns in by_category(observations, kept).values():
        score = observations.adopted[:, columns].sum(axis=1).astype(np.intp)
        choice = find_cut(design, score, settings.adoption.min_accounts // 2)
        if choice.candidate is not None:
            rules.append((columns, choice.candidate))
    return tuple(rules)


def is_mature(observations: Observations, rules: Rules, needed: int) -> Flags:
    """bool [rows]: at or above the cut in enough categories."""
    adopted = observations.adopted
    reached = np.sum([adopted[:, columns].sum(axis=1) >= cut for columns, cut in rules], axis=0)
    return np.asarray(reached >= needed)


def foretold_depth(observations: Observations, given: Floats) -> Floats | None:
    """Depth of use as each half of the features foretells the other's, beside what is given: float [rows].

    given: [rows × columns], an intercept among them. None where the halves do not agree: depth then shows nothing that
    an account's features have in common.
    """
    order = np.argsort(observations.adopted.sum(axis=0), kind="stable")
    halves = [activity(_only(observations, np.sort(order[first::2])))[:, 0] for first in (0, 1)]
    one, two = (half - _fitted(given, half) for half in halves)
    spread = float(np.sqrt((one @ one) * (two @ two)))
    if not spread > 0 or float(one @ two) / spread < LEAST_AGREEMENT:
        return None
    foretold = [
        _fitted(np.column_stack([given, half, half**2]), other)
        for half, other in (halves, halves[::-1])
    ]  # fmt: skip
    return np.asarray(foretold[0] + foretold[1])


def unknown(because: str, goal: Goal = Goal.RETAINED) -> Contrast:
    """A contrast that could not be estimated."""
    nan = float("nan")
    return Contrast(nan, nan, nan, nan, because, goal)


def _by_goal(outcomes: Outcomes, goal: Goal) -> Outcomes:
    """The same rows with `churned` telling who missed the goal."""
    if goal == Goal.RETAINED:
        return outcomes
    missed = np.where(outcomes.churned == 1, np.float32(1), 1 - outcomes.expanded)
    return outcomes.missing(missed.astype(np.float32))


def _beside(observations: Observations, rules: Rules, followers: Flags) -> Floats:
    """Adoption of features outside the rules less what is usual for them, mean of those available: float [rows].

    What follows a feature of the rules is left out: it is a part of what that feature does.
    """
    inside = np.zeros(len(observations.features), dtype=bool)
    inside[np.concatenate([columns for columns, _ in rules])] = True
    outside = ~inside & ~followers[inside].any(axis=0)
    allowed = available(observations)[:, outside]
    adopted = observations.adopted[:, outside] & allowed
    usual = adopted.sum(axis=0) / np.maximum(allowed.sum(axis=0), 1)
    beside: Floats = (adopted - allowed * usual).sum(axis=1) / np.maximum(allowed.sum(axis=1), 1)
    return beside


def _only(observations: Observations, columns: NDArray[np.intp]) -> Observations:
    """The same rows with some features only; the matrix is left as it is, nothing looks at it."""
    features = tuple(observations.features[column] for column in columns)
    counts, eligible = observations.counts[:, columns], observations.eligible[:, columns]
    return replace(observations, features=features, counts=counts, eligible=eligible)


def _fitted(x: Floats, y: Floats) -> Floats:
    """What least squares on x says of y."""
    fitted: Floats = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return fitted


def _two_sided(values: Flags | NDArray[np.float32]) -> bool:
    return len(values) > 0 and bool(values.min() < values.max())


def _bent(column: Floats) -> Floats:
    """A column and its square, standardised; without those that are the same everywhere."""
    scaled = standardised(column[:, None])
    both = standardised(np.column_stack([scaled, scaled**2]))
    kept: Floats = both[:, both.std(axis=0) > 0]
    return kept


def _contrast(effect: Effect, judged: int, accounts: int, needed: int, goal: Goal) -> Contrast:
    """The effect with its sentence; judged: the accounts it comes from, of so many."""
    what, how = _SAID[goal]
    because = (
        f"Accounts mature in {needed} or more categories differ in {what} by {figures(effect)} at equal plan, size, "
        f"tenure, depth and use of other features, p {probability(effect.p)}{how}; what mature means was chosen on "
        f"other accounts, which leaves {judged:,} of {accounts:,} to judge."
    )
    return Contrast(effect.effect, effect.low, effect.high, effect.p, because, goal, judged)
