"""`milepost derive`: maturity categories and cuts, written to framework.toml for people to read and edit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from milepost.data.publish import write_atomic
from milepost.framework import Framework, is_edited, to_toml
from milepost.importance.ranking import Ranking
from milepost.maturity.categories import Category, Maturity
from milepost.maturity.contrast import unknown
from milepost.maturity.levels import derive_maturity, describe
from milepost.pipeline.alarms import headed
from milepost.pipeline.framework_file import read_framework
from milepost.pipeline.job import Job
from milepost.pipeline.rank import find_ranking
from milepost.pipeline.result import Result, shown, table
from milepost.pipeline.store import load_ranking

UNKNOWN = "–"
# figures of a category that hold for one cut only
_OF_ONE_CUT = ("mature_share", "ppv", "sensitivity", "retained_mature", "retained_basic", "effect", "low", "high")
# how the sentence of a category begins whose cut the data did not choose
BY_HAND = "Cut set by hand."


@dataclass(frozen=True)
class Derived:
    """Categories and shares by the definitions in use (`maturity`), what scoring goes by (`framework`), and a note.

    They are what the data say, unless the framework file was edited: then the file's definitions count in both.
    """

    maturity: Maturity
    framework: Framework
    note: str


def derive(job: Job, ranking: Ranking) -> Derived:
    """Derive categories and cuts and write them, unless the file there was edited by hand: that one is kept.

    The version counts up only when a definition changes; the same input gives the same file.
    """
    job.progress("maturity: categories, cuts and the contrast on accounts not used to choose them")
    learnable = job.learnable
    maturity = derive_maturity(
        job.observations.take(learnable), job.outcomes.take(learnable), ranking, job.settings, job.current
    )
    path, before = job.settings.framework, read_framework(job)
    if before is not None and is_edited(path.read_text(encoding="utf-8")):
        return _kept(job, maturity, before)
    framework = _next(job, maturity, before)
    if framework != before:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, lambda target: target.write_text(to_toml(framework), encoding="utf-8"))
    return Derived(maturity, framework, "")


def _kept(job: Job, derived: Maturity, edited: Framework) -> Derived:
    """The edited file, and the headline by its definitions instead of those the data would choose."""
    name, clear_from = job.settings.framework.name, job.settings.maturity.min_cut_agreement
    categories = tuple(_as_edited(category, clear_from) for category in edited.categories)
    contrast = derived.contrast
    if contrast is not None and _definitions(edited.categories) != _definitions(derived.categories):
        contrast = unknown(
            f"Not tested for the definitions in use: {name} was edited by hand. For the derived ones: "
            f"{contrast.because}"
        )
    # levels of the file, and no others, are what the scores carry
    maturity = describe(categories, contrast, (job.observations.take(job.learnable), job.current), job.settings)
    by_hand = ", ".join(cuts_by_hand(maturity))
    cuts = f" (cut set by hand: {by_hand})" if by_hand else ""
    return Derived(maturity, edited, f"{name} was edited by hand{cuts} and is kept; move it away to derive it anew")


def _as_edited(category: Category, clear_from: float) -> Category:
    """A category of the file as it is shown: said where a person set the cut, without the figures of another cut.

    Derived, the cut is the candidate where draws of accounts agree on it often enough, else there is none.
    """
    derived = category.candidate if category.agreement >= clear_from else None
    if category.cut == derived:
        return category
    said = replace(category, because=f"{BY_HAND} {category.because}".strip())
    if category.cut in (None, category.candidate):
        return said
    unmeasured: dict[str, Any] = dict.fromkeys(_OF_ONE_CUT, math.nan)
    return replace(said, **unmeasured)


def cuts_by_hand(maturity: Maturity) -> list[str]:
    """Names of the categories whose cut a person set."""
    return [category.name for category in maturity.categories if category.because.startswith(BY_HAND)]


def _next(job: Job, maturity: Maturity, before: Framework | None) -> Framework:
    """The framework of these categories: the version before where no definition changed, else one more."""
    version = before.version if before else 1
    made = Framework(version, job.as_of, job.fingerprint[:12], maturity.categories)
    if before is None or _definitions(before.categories) == _definitions(made.categories):
        return made
    return Framework(version + 1, made.created, made.fingerprint, made.categories)


def _definitions(categories: Sequence[Category]) -> list[tuple[str, tuple[str, ...], int | None]]:
    return [(category.name, category.features, category.cut) for category in categories]


def maturity_json(maturity: Maturity) -> dict[str, object]:
    """The `maturity` part of the answer."""
    contrast = maturity.contrast
    return {
        "share_three_or_more": maturity.share_three_or_more,
        "share_entitled": maturity.share_entitled,
        "reason": maturity.reason,
        "categories": maturity.share_by_category,
        "cuts": {category.name: category.cut for category in maturity.categories},
        "cuts_by_hand": cuts_by_hand(maturity),
        "contrast": None if contrast is None else {
            "effect": contrast.effect, "low": contrast.low, "high": contrast.high, "p": contrast.p,
        },
    }  # fmt: skip


def maturity_text(derived: Derived) -> str:
    """Categories with their cuts, and the headline."""
    maturity = derived.maturity
    share = maturity.share_three_or_more
    headline = (
        f"no share of accounts mature in three or more categories: {maturity.reason}"
        if share is None
        else f"{share:.1%} of the accounts running are mature in three or more categories"
    )
    rows = [_category_row(category) for category in maturity.categories]
    header = ["category", "kept", "mature from", "agreement", "mature", "retained mature / basic", "effect, points"]
    lines = [headline, table(header, rows) if rows else "no category holds a kept feature"]
    if maturity.contrast is not None:
        lines.append(maturity.contrast.because)
    return "\n".join([*lines, *([derived.note] if derived.note else [])])


def _category_row(category: Category) -> list[str]:
    cut = (
        f"{category.cut} {'feature' if category.cut == 1 else 'features'}"
        if category.cut
        else f"no clear cut ({category.candidate}?)"
    )
    effect = f"{category.effect:+.1f} [{category.low:+.1f}, {category.high:+.1f}]"
    return [
        category.name, str(len(category.features)), cut, _share(category.agreement, 0),
        _share(category.mature_share, 0), f"{_share(category.retained_mature)} / {_share(category.retained_basic)}",
        UNKNOWN if math.isnan(category.effect) else effect,
    ]  # fmt: skip


def _share(share: float, decimals: int = 1) -> str:
    return UNKNOWN if math.isnan(share) else f"{share:.{decimals}%}"


def derive_job(job: Job) -> Result:
    """Derive from the ranking on disk, or from a fresh one where it is missing or stale."""
    ranking = load_ranking(job.settings.output / "ranking", job.fingerprint) or find_ranking(job)
    derived = derive(job, ranking)
    answer = {"maturity": maturity_json(derived.maturity), "framework": str(job.settings.framework),
              "version": derived.framework.version}  # fmt: skip
    result = Result(answer, f"{maturity_text(derived)}\n\n{shown(job.settings.framework)}")
    return headed(result, job.alarms.texts)
