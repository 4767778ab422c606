"""`milepost derive`: what the milestones are by the data, written to framework.toml for people to read and edit."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

from milepost.framework import (
    Framework,
    Override,
    Table,
    definition_of,
    in_between,
    in_words,
    interval,
    is_weak,
    merge,
    overrides,
    rules_of,
    with_tables,
)
from milepost.importance.design import Design, make_design, ranked_rows
from milepost.importance.ranking import Ranking
from milepost.maturity.categories import Category, Contrast, Maturity
from milepost.maturity.contrast import unknown
from milepost.maturity.levels import derive_maturity, describe, evidence_for, recut
from milepost.milestones.definitions import Milestones
from milepost.pipeline.alarms import headed
from milepost.pipeline.framework_file import read_before, write_framework
from milepost.pipeline.job import Job
from milepost.pipeline.milestones import (
    evidence_in_use,
    find_journey_of,
    find_milestones,
    milestones_json,
    milestones_text,
    publish_milestones,
)
from milepost.pipeline.next_steps import steps_table
from milepost.pipeline.rank import find_ranking
from milepost.pipeline.result import Result, shown, table
from milepost.pipeline.store import load_ranking
from milepost.signals.matrix import Observations

UNKNOWN = "–"
WIDTH = 100  # columns
# how the sentence of a category begins whose cut the data did not choose
BY_HAND = "Cut set by hand"
_KEYS_IN_WORDS = {
    "needed": "number of steps", "within_days": "days for the steps",
    "steps": "steps", "cut": "cut", "features": "features", "count": "count", "days": "days", "threshold": "threshold",
}  # fmt: skip


@dataclass(frozen=True)
class Derived:
    """Categories and shares by the definitions in use (`maturity`), what scoring goes by (`framework`), and a note.

    `milestones` is what the data say, with the journey by the definitions in use.
    They are what the data say, but for what a person set in the framework file: that stands in both.
    """

    maturity: Maturity
    milestones: Milestones
    framework: Framework
    note: str


def derive(job: Job, ranking: Ranking) -> Derived:
    """Derive every definition and write them; what was set by hand in the file there stands, its evidence made anew.

    The version counts up only when a definition in use changes; the same input gives the same file.
    """
    job.progress("maturity: categories, cuts and the contrast on accounts not used to choose them")
    learnable = job.learnable
    maturity = derive_maturity(
        job.observations.take(learnable), job.outcomes.take(learnable), ranking, job.settings, job.current
    )
    milestones = find_milestones(job)
    rules = rules_of(milestones)
    before, latest = read_before(job), Framework(
        1, job.as_of, job.fingerprint[:12], maturity.categories, rules.setup, rules.activation, rules.utilization,
        rules.areas,
    )  # fmt: skip
    framework = latest if before is None else _measured(job, merge(before, latest))
    in_use = _in_use(job, maturity, framework)
    write_framework(job, framework, before)
    milestones = replace(milestones, journey=find_journey_of(job, framework))
    publish_milestones(job, milestones, steps_table(job, framework, ranking, milestones))
    return Derived(
        in_use, milestones, framework, "" if before is None else note_of(job.settings.framework.name, before, framework)
    )


def _measured(job: Job, framework: Framework) -> Framework:
    """The framework with evidence for what was set by hand, and a sentence that says so."""
    keys: dict[str, list[str]] = {}
    for override in overrides(framework):
        keys.setdefault(override.where, []).append(override.key)
    if not keys:
        return framework
    used = ranked_rows(job.observations.take(job.learnable), job.outcomes.take(job.learnable), job.settings)
    rows = (used[0], make_design(*used)) if any(where.startswith("category ") for where in keys) else None
    tables = [
        _with_evidence(job, framework, (found, keys[where]), rows) if where in keys else found
        for where, found in framework.tables.items()
    ]
    return with_tables(framework, tables)


def _with_evidence(
    job: Job, framework: Framework, given: tuple[Table, list[str]], rows: tuple[Observations, Design] | None
) -> Table:
    found, keys = given
    if not isinstance(found, Category):
        measured = replace(found, evidence=evidence_in_use(job, framework, found))
        return replace(measured, because=_by_hand(measured, keys))
    assert rows is not None  # they are there for every category
    category = recut(*rows, found, job.settings) if "features" in keys else found
    category = evidence_for(*rows, category)
    return replace(category, because=_by_hand(category, keys))


def _by_hand(found: Table, keys: list[str]) -> str:
    """What was set by hand, what it is worth, and what the data say."""
    first, *others = [name for key, name in _KEYS_IN_WORDS.items() if key in keys]
    too = f", {' and '.join(others)} too" if others else ""
    return f"{first[0].upper()}{first[1:]} set by hand{too}: {_worth(found)}. By the data: {found.because}"


def _worth(found: Table) -> str:
    if _nothing_judged(found):
        return "nothing is judged by it"
    return f"{_differ(found)}, weak evidence" if is_weak(found) else _differ(found)


def _differ(found: Table) -> str:
    effect, low, high = interval(found)
    if math.isnan(low):
        return "how those who reach it differ is not known"
    return f"those who reach it differ by {effect:+.1f} points ({low:+.1f} to {high:+.1f})"


def _nothing_judged(found: Table) -> bool:
    return any(value is None for value in definition_of(found).values())


def _in_use(job: Job, derived: Maturity, framework: Framework) -> Maturity:
    """The headline by the definitions in use, and no others: they are what the scores carry."""
    if framework.categories == derived.categories:
        return derived
    contrast, expansion = derived.contrast, derived.expansion
    if _definitions(framework.categories) != _definitions(derived.categories):
        contrast, expansion = (_not_tested(found, job.settings.framework.name) for found in (contrast, expansion))
    seen = (job.observations.take(job.learnable), job.current)
    return replace(describe(framework.categories, contrast, seen, job.settings), expansion=expansion)


def _not_tested(contrast: Contrast | None, name: str) -> Contrast | None:
    if contrast is None:
        return None
    return unknown(
        f"Not tested for the definitions in use: {name} was edited by hand. For the derived ones: {contrast.because}",
        contrast.goal,
    )


def _definitions(categories: Sequence[Category]) -> list[tuple[str, list[str], int | None]]:
    return [(category.name, sorted(category.features), category.cut) for category in categories]


def note_of(name: str, before: Framework, framework: Framework) -> str:
    """What was set by hand in the file `name`, where its evidence is weak, and what could not stand; "" for nothing."""
    found = overrides(framework)
    parts = []
    if found:
        listed = ", ".join(f"{one.where} {one.key} {in_between(one.derived, one.in_use)}" for one in found)
        parts.append(f"{name} keeps what was set by hand: {listed}")
    tables = framework.tables
    weak = [where for where in dict.fromkeys(one.where for one in found) if is_weak(tables[where])]
    parts += [f"weak evidence for {where}: {_differ(tables[where])}" for where in weak]
    parts += [text for one in overrides(before) if (text := _fell(one, framework))]
    return "; ".join(parts)


def _fell(override: Override, framework: Framework) -> str:
    """What became of a single value set by hand that could not stand."""
    found = framework.tables.get(override.where)
    now = None if found is None else definition_of(found)[override.key]
    # a list follows the data but for what was put in or taken out
    if isinstance(override.in_use, tuple) or now == override.in_use:
        return ""
    return (
        f"{override.where} {override.key} {in_words(override.in_use)} set by hand no longer fits: now {in_words(now)}"
    )


def cuts_by_hand(maturity: Maturity) -> list[str]:
    """Names of the categories whose cut a person set."""
    return [category.name for category in maturity.categories if category.because.startswith(BY_HAND)]


def maturity_json(maturity: Maturity) -> dict[str, object]:
    """The `maturity` part of the answer."""
    return {
        "share_three_or_more": maturity.share_three_or_more,
        "share_entitled": maturity.share_entitled,
        "reason": maturity.reason,
        "categories": maturity.share_by_category,
        "cuts": {category.name: category.cut for category in maturity.categories},
        "cuts_by_hand": cuts_by_hand(maturity),
        "contrast": _contrast_json(maturity.contrast),
        "expansion": _contrast_json(maturity.expansion),
    }  # fmt: skip


def _contrast_json(contrast: Contrast | None) -> dict[str, float] | None:
    if contrast is None:
        return None
    return {"effect": contrast.effect, "low": contrast.low, "high": contrast.high, "p": contrast.p}


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
    lines = [
        textwrap.fill(headline, WIDTH, subsequent_indent="  "),
        table(header, rows) if rows else "no category holds a kept feature",
    ]
    told = [found.because for found in (maturity.contrast, maturity.expansion) if found is not None]
    told += [derived.note] if derived.note else []
    return "\n".join([*lines, *(textwrap.fill(text, WIDTH, subsequent_indent="  ") for text in told)])


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
    answer = {
        "maturity": maturity_json(derived.maturity), "milestones": milestones_json(derived.milestones),
        "framework": str(job.settings.framework), "version": derived.framework.version,
    }  # fmt: skip
    result = Result(
        answer, f"{maturity_text(derived)}\n\n{milestones_text(derived.milestones)}\n\n{shown(job.settings.framework)}"
    )
    return headed(result, job.alarms.texts)
