"""A framework as the text of its file: readable, commented, the same for the same framework."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from numbers import Integral

from milepost.framework.proven import Proven
from milepost.framework.rules import AreaRule, Definition, Framework, Table, Value, definition_of, names_in
from milepost.maturity.categories import Category
from milepost.milestones.definitions import Evidence

FIGURES = (
    "agreement", "mature_share", "ppv", "sensitivity", "retained_mature", "retained_basic", "effect", "low", "high",
)  # fmt: skip
EVIDENCE = tuple(part.name for part in fields(Evidence))
_HEADER = """\
# What setup, activation, utilization and maturity mean for these accounts. Written by milepost derive; made to be read,
# edited and committed. Scoring goes by exactly this file.
# You may change: steps, needed, within_days, count, days, threshold, cut, and in which category a feature stands.
# "none" stands for no threshold or cut: nothing is judged by it until you set one.
# derived is what the data say: leave it as it is. A value that differs from it was set by hand, and stays when derive
# writes the file anew. Say why in `reason` (comments of your own are not kept), and count version up: scores carry it.
# You may add above the first table: review_by = 2025-07-01 and owners = { "category reporting" = "who" }.
# proven: what experiments measured; "milepost experiment report NAME --prove" writes it, and derive leaves it alone.
# evidence: points (effect, low, high) by which those who reach it differ; shares from 0 to 1.
"""
_KIND = {"area": "[[area]]", "category": "[[category]]"}


def to_toml(framework: Framework) -> str:
    """The file's text."""
    head = [
        _HEADER,
        f"version = {framework.version}",
        f"created = {framework.created.isoformat()}",
        f"fingerprint = {quoted(framework.fingerprint)}",
        *_calendar(framework),
    ]
    tables = (_table(framework, where) for where in framework.tables)
    return "\n".join([*head, *tables, *(proven_text(one) for one in framework.proven)]) + "\n"


def _calendar(framework: Framework) -> list[str]:
    """When it is to be reviewed and who looks after what, where people said so."""
    day = [] if framework.review_by is None else [f"review_by = {framework.review_by.isoformat()}"]
    owners = ", ".join(f"{quoted(part)} = {quoted(who)}" for part, who in framework.owners.items())
    return [*day, f"owners = {{ {owners} }}"] if owners else day


def proven_text(proven: Proven) -> str:
    """One finding of an experiment as a table of the file."""
    names = ("feature", "experiment", "metric", "unit")
    return "\n".join([
        "", "[[proven]]",
        *(f"{key} = {quoted(getattr(proven, key))}" for key in names),
        *(f"{key} = {_number(getattr(proven, key))}" for key in ("effect", "low", "high")),
        f"finished = {proven.finished.isoformat()}",
        f"note = {quoted(proven.note)}",
    ])  # fmt: skip


def quoted(text: str) -> str:
    """A TOML basic string.

    >>> print(quoted('say "hi"'))
    "say \\"hi\\""
    """
    # JSON escapes what TOML asks for, except DEL; surrogates cannot stand in TOML at all
    whole = text.encode("utf-8", "replace").decode()
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def value_text(value: Value) -> str:
    """A value on one line; "none" for None.

    >>> value_text(("macros", "export")), value_text(None), value_text(1.5)
    ('["macros", "export"]', '"none"', '1.5')
    """
    if value is None:
        return '"none"'
    if isinstance(value, tuple):
        return f"[{', '.join(quoted(name) for name in value)}]"
    return quoted(value) if isinstance(value, str) else _number(value)


def _table(framework: Framework, where: str) -> str:
    table, kind = framework.tables[where], where.partition(" ")[0]
    definition = definition_of(table)
    named = {"area": table.area} if isinstance(table, AreaRule) else {}
    named |= {"name": table.name} if isinstance(table, Category) else {}
    return "\n".join([
        "", _KIND.get(kind, f"[{kind}]"),
        *(f"{key} = {quoted(value)}" for key, value in {**named, **names_in(table)}.items()),
        *(f"{key} = {_list(value) if isinstance(value, tuple) else value_text(value)}"
          for key, value in definition.items()),
        f"derived = {_inline(framework.derived.get(where, definition))}",
        f"reason = {quoted(framework.reasons.get(where, ''))}",
        f"because = {quoted(table.because)}",
        "", f"[{kind}.evidence]",
        *(f"{key} = {_number(value)}" for key, value in _figures(table).items()),
    ])  # fmt: skip


def _figures(table: Table) -> Mapping[str, float]:
    if not isinstance(table, Category):
        return {name: getattr(table.evidence, name) for name in EVIDENCE}
    candidate = {} if table.candidate is None else {"candidate": table.candidate}
    return {**candidate, **{name: getattr(table, name) for name in FIGURES}}


def _list(names: tuple[str, ...]) -> str:
    """One name a line, so that a person can move it and a comparison of texts shows it."""
    lines = "".join(f"\n  {quoted(name)}," for name in names)
    return f"[{lines}\n]" if names else "[]"


def _inline(definition: Definition) -> str:
    inside = ", ".join(f"{key} = {value_text(value)}" for key, value in definition.items())
    return f"{{ {inside} }}" if inside else "{}"


def _number(value: float) -> str:
    """Shortest text that reads back as the same number."""
    if isinstance(value, Integral):
        return str(int(value))
    return "nan" if math.isnan(value) else repr(float(value))


def in_words(value: Value) -> str:
    """A value as people read it.

    >>> in_words(("macros", "export")), in_words(()), in_words(None), in_words(2.0)
    ('macros, export', 'none', 'none', '2')
    """
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return ", ".join(value)
    return value if isinstance(value, str) else f"{value:g}"


def in_between(old: Value, new: Value) -> str:
    """What changed from one value to another; of lists, what came in and what went out.

    >>> in_between(None, 2), in_between(("macros", "export"), ("export", "bots"))
    ('none -> 2', '+ bots, - macros')
    """
    if not isinstance(old, tuple) or not isinstance(new, tuple):
        return f"{in_words(old)} -> {in_words(new)}"
    came, went = [f"+ {x}" for x in new if x not in old], [f"- {x}" for x in old if x not in new]
    return ", ".join([*came, *went])
