"""`milepost derive`: maturity categories and cuts, written to framework.toml for people to read and edit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from milepost.data.publish import write_atomic
from milepost.framework import Framework, from_toml, is_edited, to_toml
from milepost.importance.ranking import Ranking
from milepost.maturity.categories import Category, Maturity
from milepost.maturity.levels import derive_maturity
from milepost.pipeline.job import Job
from milepost.pipeline.rank import find_ranking
from milepost.pipeline.result import Result, shown, table
from milepost.pipeline.store import load_ranking


@dataclass(frozen=True)
class Derived:
    """What the data say (`maturity`), what scoring goes by (`framework`), and a note where the two differ."""

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
        return Derived(maturity, before, f"{path.name} was edited by hand and is kept; move it away to derive it anew")
    framework = _next(job, maturity, before)
    if framework != before:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, lambda target: target.write_text(to_toml(framework), encoding="utf-8"))
    return Derived(maturity, framework, "")


def _next(job: Job, maturity: Maturity, before: Framework | None) -> Framework:
    """The framework of these categories: the version before where no definition changed, else one more."""
    version = before.version if before else 1
    made = Framework(version, job.as_of, job.fingerprint[:12], maturity.categories)
    if before is None or _definitions(before) == _definitions(made):
        return made
    return Framework(version + 1, made.created, made.fingerprint, made.categories)


def _definitions(framework: Framework) -> list[tuple[str, tuple[str, ...], int | None]]:
    return [(category.name, category.features, category.cut) for category in framework.categories]


def read_framework(job: Job) -> Framework | None:
    """The framework file, checked against the catalogue; None where there is none yet."""
    path: Path = job.settings.framework
    if not path.exists():
        return None
    return from_toml(path.read_text(encoding="utf-8"), [feature.name for feature in job.features], path.name)


def maturity_json(maturity: Maturity) -> dict[str, object]:
    """The `maturity` part of the answer."""
    contrast = maturity.contrast
    return {
        "share_three_or_more": maturity.share_three_or_more,
        "share_entitled": maturity.share_entitled,
        "reason": maturity.reason,
        "categories": maturity.share_by_category,
        "cuts": {category.name: category.cut for category in maturity.categories},
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
    cut = f"{category.cut} features" if category.cut else f"no clear cut ({category.candidate}?)"
    return [
        category.name, str(len(category.features)), cut, f"{category.agreement:.0%}", f"{category.mature_share:.0%}",
        f"{category.retained_mature:.1%} / {category.retained_basic:.1%}",
        f"{category.effect:+.1f} [{category.low:+.1f}, {category.high:+.1f}]",
    ]  # fmt: skip


def derive_job(job: Job) -> Result:
    """Derive from the ranking on disk, or from a fresh one where it is missing or stale."""
    ranking = load_ranking(job.settings.output / "ranking", job.fingerprint) or find_ranking(job)
    derived = derive(job, ranking)
    answer = {"maturity": maturity_json(derived.maturity), "framework": str(job.settings.framework),
              "version": derived.framework.version}  # fmt: skip
    return Result(answer, f"{maturity_text(derived)}\n\n{shown(job.settings.framework)}")
