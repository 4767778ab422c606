"""What is true about a simulated world, for checks only: never among the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from milepost.demo.adoption import Scene, habits
from milepost.demo.billing import Life
from milepost.demo.columns import account_ids
from milepost.demo.features import DRIVER, FEATURES, MEDIATOR, NICHE_DRIVER, NULL, RELEVANT, DemoFeature
from milepost.demo.retention import Risk, contribution, effect_points, log_odds
from milepost.demo.world import BURN_MONTHS, Flags, Floats

_EXPLAINED = {
    "log_odds": "added to the log-odds of churn at a term end while the feature was used in the three months before",
    "total_effect_points": "56-day retention in percentage points if everybody with access used the feature, minus if "
    "nobody did, paths through other features included; mean over the account-months with data",
    "planned_adoption": "share of the accounts with access that come to want the feature",
    "measured_adoption": "share of running account-months with access in which it was used in the three months before",
    "relevant": "the feature marks accounts that stay, by itself or through another one",
    "contact_effect.parquet": "contact_log_odds: added to an account's log-odds of churn when a person reaches out; "
    "mean_log_odds: its mean log-odds of churn at a term end without contact",
}


def truth(scene: Scene, lived: Life, model: Risk, used: Flags, launched: dict[str, str]) -> dict[str, Any]:
    """The truth as plain data: the world, and role and effect of every feature."""
    world, habit = scene.world, habits(used)
    seen = running_months(scene, lived)
    points = effect_points(scene, model, habit, seen)
    odds = log_odds(world)
    return {
        "explained": _EXPLAINED,
        "world": {
            "kind": world.kind,
            "accounts": world.accounts,
            "months": world.months,
            "seed": world.seed,
            "start": world.start.isoformat(),
            "churned_accounts": int((lived.churned < scene.calendar.last).sum()),
        },
        "setup_steps": [f.name for f in sorted(FEATURES, key=lambda f: f.setup_step) if f.setup_step],
        "launched": launched,
        "features": {
            feature.name: {
                "role": role_in(feature, world.knobs.effects),
                "category": feature.category,
                "log_odds": float(odds[place]),
                "total_effect_points": _rounded(points[place]),
                "planned_adoption": feature.planned,
                "measured_adoption": _share(habit[:, :, place], seen & scene.access[:, :, place]),
                "relevant": world.knobs.effects and feature.role in RELEVANT,
                "follows_health": feature.follows_health,
                "parent": feature.parent,
            }
            for place, feature in enumerate(FEATURES)
        },
    }


def contact_effects(scene: Scene, lived: Life, model: Risk, used: Flags) -> pd.DataFrame:
    """What being contacted does to each account's log-odds of churn; partly unrelated to how likely it is to churn."""
    people, rng = scene.people, scene.world.draws(17)
    seen = running_months(scene, lived)
    logits = model.base + contribution(scene.world, habits(used))
    months = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen.any(axis=0), (logits * seen).sum(axis=0) / months, np.nan)
    known = mean[~np.isnan(mean)]
    standing = np.nan_to_num((mean - known.mean()) / known.std())
    effect: Floats = -0.3 - 0.2 * standing + 0.45 * rng.normal(size=people.count)
    return pd.DataFrame(
        {
            "account_id": account_ids(np.arange(people.count)),
            "contact_log_odds": effect if scene.world.knobs.effects else np.zeros(people.count),
            "mean_log_odds": mean,
        }
    )


def running_months(scene: Scene, lived: Life) -> Flags:
    """A subscription runs at the start of a month with data: bool [months × accounts]."""
    when = np.arange(scene.calendar.last)[:, None]
    return np.asarray(
        (when >= BURN_MONTHS) & (when > scene.people.paid_month) & (when <= lived.churned) & scene.people.converted
    )


def role_in(feature: DemoFeature, effects: bool) -> str:
    """The role of a feature in a world; one without effects knows no drivers."""
    if effects or feature.role not in (DRIVER, NICHE_DRIVER, MEDIATOR, "harmful"):
        return feature.role
    return NULL


def _share(habit: Flags, counted: Flags) -> float | None:
    return round(float(habit[counted].mean()), 4) if counted.any() else None


def _rounded(points: float) -> float | None:
    return None if np.isnan(points) else round(float(points), 4)
