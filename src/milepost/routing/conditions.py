"""Conditions and amounts over columns, written as short text: read as a tree, worked out on whole columns, never run.

    churn_risk >= 0.15 and (mrr > 500 or plan == 'pro') and not risk_band in ['low']

What is unknown decides nothing: a comparison with an unknown value neither holds nor fails, `not` of it neither, and a
condition counts only where it holds (Kleene's three values). `known(x)` asks for just that. A column whose name is no
plain word is written `column('its name')`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.errors import SettingsError, nearest

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Texts = NDArray[np.object_]
Column = Floats | Texts
# one side of three values: where it holds, and where it does not; elsewhere it is unknown
_Held = tuple[Flags, Flags]

LONGEST = 500
_COMPARE: dict[type[ast.cmpop], Callable[..., Flags]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_COUNT: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: np.divide,
}  # fmt: skip
_NOT_CONDITION = "a condition such as mrr > 100 and plan == 'pro'"
_NOT_AMOUNT = "an amount such as churn_risk * mrr"


@dataclass(frozen=True)
class Expression:
    """A condition or an amount that was read: its text, where it stands, its tree, and the columns it names."""

    text: str
    where: str
    tree: ast.expr
    columns: tuple[str, ...]


def parse(text: str, where: str) -> Expression:
    """Read an expression. Raises SettingsError, with where it stands, for text that is none."""
    if len(text) > LONGEST:
        raise SettingsError(f"an expression of {len(text)} characters", where=where, expected=f"at most {LONGEST}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        names = dict.fromkeys(name for node in ast.walk(tree) if (name := _name(node)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SettingsError(f"cannot read {text!r}", where=where, expected=_NOT_CONDITION) from None
    return Expression(text, where, tree, tuple(name for name in names if not _is_part(name, tree)))


def _name(node: ast.AST) -> str:
    """The column that a node names, "" for any other node; `account.rating` is one name."""
    if isinstance(node, ast.Name) and node.id not in ("known", "column"):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _name(node.value)
        return f"{before}.{node.attr}" if before else ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "column":
        only = node.args[0] if len(node.args) == 1 and not node.keywords else None
        return only.value if isinstance(only, ast.Constant) and isinstance(only.value, str) else ""
    return ""


def _is_part(name: str, tree: ast.expr) -> bool:
    """Whether a name only stands at the head of longer ones: `account` in `account.rating`."""
    whole = [node for node in ast.walk(tree) if _name(node) == name]
    heads = [id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return all(id(node) in heads for node in whole)


def columns_of(frame: pd.DataFrame) -> dict[str, Column]:
    """The columns of a frame as expressions see them: numbers and yes/no as float, dates and words as text."""
    return {str(name): _column(frame[name]) for name in frame.columns}


def _column(values: pd.Series) -> Column:
    if pd.api.types.is_datetime64_any_dtype(values):
        return np.asarray(values.dt.strftime("%Y-%m-%d").astype(object))
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    plain = values.to_numpy(dtype=object)
    if pd.api.types.infer_dtype(plain, skipna=True) in ("boolean", "integer", "floating", "mixed-integer-float"):
        return np.where(pd.isna(plain), np.nan, plain).astype(np.float64)
    return plain


def check_columns(expression: Expression, known: Mapping[str, object] | set[str]) -> None:
    """Raise SettingsError, with the nearest right name, when the expression names a column that does not exist."""
    for name in expression.columns:
        if name not in known:
            raise SettingsError(f"no column '{name}'", where=expression.where, fix=nearest(name, sorted(known)))


def holds(expression: Expression, columns: Mapping[str, Column], rows: int) -> Flags:
    """Where the condition holds: bool [rows]. Raises SettingsError for text that is no condition."""
    return np.array(np.broadcast_to(_held(expression.tree, _Rows(expression, columns))[0], rows))


def amounts(expression: Expression, columns: Mapping[str, Column], rows: int) -> Floats:
    """What the expression comes to: float [rows], NaN where it is unknown or not finite. Raises SettingsError."""
    return np.array(np.broadcast_to(_number(expression.tree, _Rows(expression, columns)), rows))


@dataclass(frozen=True)
class _Rows:
    expression: Expression
    columns: Mapping[str, Column]

    def wrong(self, node: ast.expr, expected: str = _NOT_CONDITION) -> SettingsError:
        part = ast.unparse(node)
        return SettingsError(f"'{part[:60]}' is not understood", where=self.expression.where, expected=expected)

    def column(self, node: ast.expr) -> Column | None:
        name = _name(node)
        if not name:
            return None
        check_columns(self.expression, set(self.columns))
        return self.columns[name]


def _held(node: ast.expr, rows: _Rows) -> _Held:
    if isinstance(node, ast.BoolOp):
        parts = [_held(part, rows) for part in node.values]
        yes, no = [part[0] for part in parts], [part[1] for part in parts]
        both, any_ = np.logical_and.reduce, np.logical_or.reduce
        return (both(yes), any_(no)) if isinstance(node.op, ast.And) else (any_(yes), both(no))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yes_of, no_of = _held(node.operand, rows)
        return no_of, yes_of
    if isinstance(node, ast.Compare):
        return _compared(node, rows)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "known":
        column = rows.column(node.args[0]) if len(node.args) == 1 else None
        if column is not None:
            there = ~_unknown(column)
            return there, ~there
    raise rows.wrong(node)


def _compared(node: ast.Compare, rows: _Rows) -> _Held:
    """a < b, and a <= b <= c as two of them."""
    ends = [node.left, *node.comparators]
    pairs = [_one(left, how, right, rows) for left, how, right in zip(ends, node.ops, ends[1:], strict=False)]
    return np.logical_and.reduce([yes for yes, _ in pairs]), np.logical_or.reduce([no for _, no in pairs])


def _one(left: ast.expr, how: ast.cmpop, right: ast.expr, rows: _Rows) -> _Held:
    if isinstance(how, ast.In | ast.NotIn):
        yes, no = _among(left, right, rows)
        return (yes, no) if isinstance(how, ast.In) else (no, yes)
    text = _text(left, rows), _text(right, rows)
    if text[0] is not None and text[1] is not None and isinstance(how, ast.Eq | ast.NotEq):
        values: tuple[Column, Column] = text[0], text[1]
    else:
        values = _number(left, rows), _number(right, rows)
    compare = _COMPARE.get(type(how))
    if compare is None:
        raise rows.wrong(left)
    there = ~_unknown(values[0]) & ~_unknown(values[1])
    same = np.asarray(compare(*values), dtype=np.bool_)
    return same & there, ~same & there


def _among(left: ast.expr, right: ast.expr, rows: _Rows) -> _Held:
    column = rows.column(left)
    if column is None or not isinstance(right, ast.List | ast.Tuple):
        raise rows.wrong(left, "a column in a list, such as plan in ['pro', 'plus']")
    values = [part.value for part in right.elts if isinstance(part, ast.Constant)]
    if len(values) < len(right.elts) or any(isinstance(value, str) != (column.dtype == object) for value in values):
        raise rows.wrong(right, "a list of texts for a column of text, of numbers for one of numbers")
    there = ~_unknown(column)
    inside = np.isin(column.astype(str), np.array(values, dtype=str)) if column.dtype == object else (
        np.isin(column, np.array(values, dtype=float)))  # fmt: skip
    return inside & there, ~inside & there


def _text(node: ast.expr, rows: _Rows) -> Texts | None:
    """A column of text or a text in quotes, else None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return np.array([node.value], dtype=object)
    column = rows.column(node)
    return column if column is not None and column.dtype == object else None  # type: ignore[return-value]


def _number(node: ast.expr, rows: _Rows) -> Floats:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        return np.array([float(node.value)])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand, rows)
    if isinstance(node, ast.BinOp) and type(node.op) in _COUNT:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = _COUNT[type(node.op)](_number(node.left, rows), _number(node.right, rows))
        return np.where(np.isfinite(found), found, np.nan)  # what is divided by nothing is not known
    column = rows.column(node)
    if column is None or column.dtype == object:
        kind = "text in it is compared by == or in" if column is not None else _NOT_AMOUNT
        raise rows.wrong(node, kind)
    return np.asarray(column, dtype=np.float64)


def _unknown(column: Column) -> Flags:
    if column.dtype != object:
        return np.isnan(column.astype(np.float64))
    return np.asarray(pd.isna(column) | (column == ""), dtype=np.bool_)
