"""`milepost framework show`, `diff` and `validate`: the framework file on the screen; nothing is written."""

from __future__ import annotations

import math
import textwrap
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path

from milepost.errors import InputError
from milepost.framework import (
    ActivationRule,
    AreaRule,
    Change,
    Framework,
    Override,
    SetupRule,
    Table,
    UtilizationRule,
    as_derived,
    changes,
    definition_of,
    from_toml,
    in_between,
    in_words,
    interval,
    is_weak,
    overrides,
    text_in,
)
from milepost.importance.verdicts import plain
from milepost.maturity.categories import Category
from milepost.pipeline.framework_file import read_framework
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, shown, table

WIDTH = 100  # columns
_NAME, _DEFINITION = 15, 31
_HEADER = ("", "in use", "reached", "goal / others", "effect, points")
_LEGEND = (
    "reached: share that does. goal / others: share of those, and of the others, that reach the next milestone (for "
    "utilization, areas and categories: that stay). effect: the difference, adjusted, with its 95 % interval. "
    "Where nothing is defined they are those of the best candidate."
)


def show_framework(job: Job) -> Result:
    """The definitions in use with their evidence; what was set by hand is marked, with its reason."""
    framework = _needed(job)
    answer = {
        "framework": str(job.settings.framework),
        "version": framework.version,
        "created": framework.created,
        "fingerprint": framework.fingerprint,
        "tables": [_table_json(framework, where) for where in framework.tables],
        "overrides": [asdict(override) for override in overrides(framework)],
        "proven": [asdict(one) for one in framework.proven],
    }
    return Result(answer, framework_text(framework, job.settings.framework.name))


def diff_frameworks(job: Job, old: Path | None = None, new: Path | None = None) -> Result:
    """What changed from one file to another; `new` left out is the file in use, both left out: from the data to it."""
    in_use = shown(job.settings.framework)
    after = _read(new) if new is not None else _needed(job)
    before = _read(old) if old is not None else as_derived(after)
    names = ("the data" if old is None else str(old), in_use if new is None else str(new))
    found = changes(before, after)
    answer = {"old": names[0], "new": names[1], "changes": [asdict(change) for change in found]}
    return Result(answer, _changes_text(found, *names))


def validate_framework(job: Job) -> Result:
    """Whether the file holds together and fits the catalogue. Raises FrameworkError for the first fault."""
    framework = _needed(job)
    categories, set_by_hand = len(framework.categories), len(overrides(framework))
    answer = {
        "framework": str(job.settings.framework), "version": framework.version, "categories": categories,
        "overrides": set_by_hand,
    }  # fmt: skip
    text = (
        f"{job.settings.framework.name}: version {framework.version}, {_many(categories, 'category', 'categories')}, "
        f"{_many(set_by_hand, 'override', 'overrides')}, no fault"
    )
    return Result(answer, text)


def framework_text(framework: Framework, name: str) -> str:
    """The framework as a table of at most 100 columns."""
    found = overrides(framework)
    marked = dict.fromkeys(override.where for override in found)
    rows = [row for where, content in framework.tables.items() for row in _rows(where, content, where in marked)]
    head = f"{name}: version {framework.version}, from data up to {framework.created} ({framework.fingerprint})"
    lines = [head, "", table(_HEADER, rows) if rows else "nothing is defined", "", *_filled(_LEGEND)]
    if found:
        lines += [
            "",
            "* set by hand, from the data to the file",
            *(line for where in marked for line in _by_hand(framework, where, found)),
        ]
    if framework.proven:
        said = [f"{one.feature}: {one.words}" for one in framework.proven]
        lines += ["", "proven by experiments", *(line for text in said for line in _filled(text))]
    return "\n".join(lines)


def defined(content: Table) -> str:
    """A definition in words."""
    if isinstance(content, SetupRule):
        steps = f"{len(content.steps)} steps within {content.within_days} days: {in_words(content.steps)}"
        return f"{content.needed} of {steps}" if content.needed else f"no number of {steps}"
    if isinstance(content, ActivationRule):
        if content.count is None:
            return f"no count of {content.event}"
        return f"{content.count} {content.event} within {content.days} days"
    if isinstance(content, UtilizationRule | AreaRule):
        from_ = "no threshold of" if content.threshold is None else f"{plain(content.threshold)}"
        return f"{from_} {content.metric} a month per {content.per}"
    of = f"{len(content.features)} {'feature' if len(content.features) == 1 else 'features'}"
    return f"{content.cut or 'no clear cut'} of {of}: {in_words(content.features)}"


def _rows(where: str, content: Table, marked: bool) -> list[list[str]]:
    """The rows of one table: its name and definition may take several."""
    name = textwrap.wrap(content.name if isinstance(content, Category) else where, _NAME)
    words = textwrap.wrap(f"{'* ' if marked else ''}{defined(content)}", _DEFINITION)
    reached, among, others = _shares(content)
    effect, low, high = interval(content)
    figures = [
        _percent(reached),
        "–" if math.isnan(among) else f"{_percent(among)} / {_percent(others)}",
        "–" if math.isnan(effect) else f"{effect:+.1f} [{low:+.1f}, {high:+.1f}]",
    ]
    lines = zip_longest(name, words, fillvalue="")
    return [[first, second, *(figures if number == 0 else [""] * 3)] for number, (first, second) in enumerate(lines)]


def _shares(content: Table) -> tuple[float, float, float]:
    if isinstance(content, Category):
        return content.mature_share, content.retained_mature, content.retained_basic
    return content.evidence.share, content.evidence.reached, content.evidence.others


def _by_hand(framework: Framework, where: str, found: tuple[Override, ...]) -> list[str]:
    """What was set by hand in one table, from the data to the file, with its reason and a warning."""
    set_ = "; ".join(f"{one.key} {in_between(one.derived, one.in_use)}" for one in found if one.where == where)
    lines = _filled(f"{where}: {set_}", "  ")
    lines += _filled(f"reason: {framework.reasons.get(where, 'none given')}", "    ")
    if is_weak(framework.tables[where]):
        lines += _filled("weak evidence: its interval is unknown or holds none", "    ")
    return lines


def _changes_text(found: tuple[Change, ...], old: str, new: str) -> str:
    if not found:
        return "no difference"
    lines, last = [f"from {old} to {new}"], ""
    for change in found:
        if change.where != last:
            lines.append(change.where)
        last = change.where
        lines += _filled(f"{change.key}: {in_between(change.old, change.new)}", "  ")
    return "\n".join(lines)


def _table_json(framework: Framework, where: str) -> dict[str, object]:
    content = framework.tables[where]
    definition = definition_of(content)
    about = asdict(content)
    evidence = about.pop("evidence", None) or {
        key: value for key, value in about.items() if key not in (*definition, "name", "because")
    }
    return {
        "name": where, "definition": definition, "derived": dict(framework.derived.get(where, definition)),
        "reason": framework.reasons.get(where, ""), "because": content.because, "evidence": evidence,
    }  # fmt: skip


def _needed(job: Job) -> Framework:
    framework = read_framework(job)
    if framework is None:
        raise InputError("no such file", where=job.settings.project.framework, fix="run 'milepost derive' first")
    return framework


def _read(path: Path) -> Framework:
    """A file of any date: its features may have gone from the catalogue since."""
    try:
        return from_toml(text_in(path), None, path.name)
    except FileNotFoundError:
        raise InputError("no such file", where=str(path)) from None


def _filled(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  " * bool(indent))


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.1%}"


def _many(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
