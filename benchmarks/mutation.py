"""Would the tests notice? One small change to the source at a time, and the tests of that part run on it.

    python benchmarks/mutation.py windows|outcomes|join|publish|validation --most 60 [--seed 7] [--list]

A change swaps a comparison, + and -, and and or; takes 1 to or from a number; turns a condition round; returns None;
drops a keyword, a call or a raise; or swaps a comparison inside SQL. Docstrings, annotations, decorators and messages
stay. `--most` changes are drawn by the seed out of all there are. They are made in a temporary copy of src, never here.
Prints the share found and every change that was not, with its line: write a test for it, or say why nobody could tell.
Tests that do not end in time count as found, and are printed too: on a busy machine they may have been slow only.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import os
import random
import re
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TARGETS = {
    "windows": (["windows.py"], ["test_windows.py"]),
    "outcomes": (["outcomes.py"], ["test_outcomes.py"]),
    "join": (
        ["data/subscriptions.py", "signals/population.py"],
        ["data/test_subscriptions.py", "signals/test_population.py"],
    ),
    "publish": (["data/publish.py"], ["data/test_publish.py"]),
    "validation": (
        ["settings.py", "data/mapping.py", "data/checks.py"],
        ["test_settings.py", "data/test_mapping.py", "data/test_checks.py", "data/test_sources.py",
         "data/test_items.py"],
    ),
}  # fmt: skip
COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COMPUTED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
SQL = [(" <= ", " < "), (" < ", " <= "), (" >= ", " > "), (" > ", " >= "), (" = ", " <> "), (" AND ", " OR "),
       (" OR ", " AND "), (" IS NULL", " IS NOT NULL"), (" IS NOT NULL", " IS NULL"), ("NOT ", "")]  # fmt: skip
# imported once and shared by every forked run; nothing of milepost is
SLOW_TO_IMPORT = ("duckdb", "ibis", "lightgbm", "pandas", "pyarrow", "pydantic", "sklearn.linear_model")
LONGER_SECONDS, LONGER_TIMES = 10.0, 5.0
MEMORY_BYTES = 4 * 2**30


@dataclass(frozen=True)
class Mutant:
    """A file of src with one change: its new text, and the change in words."""

    path: str
    line: int
    change: str
    text: str


def mutants(path: str, text: str) -> Iterator[Mutant]:
    """Every changed version of a file, each with one change."""
    tree = ast.parse(text)
    for parent, name, place, old in _places(tree):
        for new in _instead(old, parent, name):
            _put(parent, name, place, new)
            change = f"{_shown(old)}  →  {_shown(new)}"
            yield Mutant(path, old.lineno, change, ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree))))
            _put(parent, name, place, old)


def _places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Every node that is run, with where it hangs: parent, field and place in a list."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "bases") and not isinstance(tree, ast.AnnAssign):
            continue
        if isinstance(tree, ast.AnnAssign) and name == "annotation":
            # pydantic takes limits from Annotated[…, Field(ge=0)]
            for call in (node for node in ast.walk(tree.annotation) if isinstance(node, ast.Call)):
                yield from _places(call)
            continue
        nodes = value if isinstance(value, list) else [value]
        for place, node in enumerate(nodes):
            if not isinstance(node, ast.AST) or (_is_text(node) and isinstance(tree, ast.Expr)):
                continue
            if not isinstance(node, ast.expr_context | ast.operator | ast.cmpop | ast.boolop | ast.unaryop):
                if hasattr(node, "lineno") or isinstance(node, ast.keyword):
                    yield tree, name, place if isinstance(value, list) else None, node
                if not isinstance(node, ast.Raise):
                    yield from _places(node)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _joins(node: ast.BinOp) -> bool:
    """Whether it joins texts or paths, where another operator only fails."""
    return any(_is_text(side) or isinstance(side, ast.JoinedStr) for side in (node.left, node.right))


def _instead(node: ast.AST, parent: ast.AST, name: str) -> Iterator[ast.AST | None]:
    """What could stand there instead; None: nothing, in a list."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            if other := COMPARED.get(type(operator)):
                ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                yield ast.copy_location(ast.Compare(node.left, ops, node.comparators), node)
    elif isinstance(node, ast.BinOp) and not _joins(node) and (other := COMPUTED.get(type(node.op))):
        yield ast.copy_location(ast.BinOp(node.left, other(), node.right), node)
    elif isinstance(node, ast.AugAssign) and (other := COMPUTED.get(type(node.op))):
        yield ast.copy_location(ast.AugAssign(node.target, other(), node.value), node)
    elif isinstance(node, ast.BoolOp):
        yield ast.copy_location(ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values), node)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from (ast.copy_location(ast.Constant(value), node) for value in _constants(node.value))
    elif isinstance(node, ast.Return) and node.value and ast.unparse(node.value) != "None":
        yield ast.copy_location(ast.Return(ast.Constant(None)), node)
    elif isinstance(node, ast.keyword) and isinstance(parent, ast.Call) and node.arg:
        yield None
    elif isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield ast.copy_location(ast.Pass(), node)
    if name == "test" and isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.NamedExpr):
        yield ast.copy_location(ast.UnaryOp(ast.Not(), node), node)


def _constants(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
        yield value - 1
    elif isinstance(value, str):
        for old, new in SQL:
            for found in re.finditer(re.escape(old), value):
                yield value[: found.start()] + new + value[found.end() :]


def _put(parent: ast.AST, name: str, place: int | None, node: ast.AST | None) -> None:
    if place is None:
        setattr(parent, name, node)
    elif node is None:
        setattr(parent, name, [one for at, one in enumerate(getattr(parent, name)) if at != place])
    elif isinstance(node, ast.keyword):
        setattr(parent, name, [*getattr(parent, name)[:place], node, *getattr(parent, name)[place:]])
    else:
        getattr(parent, name)[place] = node


def _shown(node: ast.AST | None) -> str:
    text = "nothing" if node is None else " ".join(ast.unparse(node).split())
    return text if len(text) < 90 else text[:88] + "…"


def run(source: Path, tests: list[str], seconds: float) -> str:
    """ "passed", "failed" or "too long" for the tests on a copy of src, in a process of its own."""
    process = os.fork()
    if process == 0:
        os.setsid()
        # a loop that never ends may fill the memory first
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.environ["PYTHONPATH"] = str(source)
        sys.path.insert(0, str(source))
        sys.dont_write_bytecode = True
        code = 9
        try:
            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]))
        finally:
            os._exit(code)
    watch = os.pidfd_open(process)
    ended = select.select([watch], [], [], seconds)[0]
    os.close(watch)
    if not ended:
        os.killpg(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return "too long" if not ended else "passed" if code == 0 else "failed"


def main() -> None:
    """Draw, change, test, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=TARGETS)
    parser.add_argument("--most", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--list", action="store_true", help="Only say which changes would be made.")
    asked = parser.parse_args()
    paths, names = TARGETS[asked.name]
    tests = [str(ROOT / "tests" / name) for name in names]
    possible = [one for path in paths for one in mutants(path, (ROOT / "src/milepost" / path).read_text("utf-8"))]
    drawn = random.Random(asked.seed).sample(possible, min(asked.most, len(possible)))
    if asked.list:
        for mutant in drawn:
            print(f"{mutant.path}:{mutant.line}  {mutant.change}")
        return
    for name in SLOW_TO_IMPORT:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="milepost-mutation-") as name:
        source = Path(name) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        begun = time.perf_counter()
        if run(source, tests, 600) != "passed":
            raise SystemExit("the tests do not pass on the source as it is: mend that first")
        usual = time.perf_counter() - begun
        counts: Counter[str] = Counter()
        for mutant in sorted(drawn, key=lambda one: (one.path, one.line)):
            path = source / "milepost" / mutant.path
            whole = path.read_text("utf-8")
            path.write_text(mutant.text, encoding="utf-8")
            ended = run(source, tests, LONGER_SECONDS + LONGER_TIMES * usual)
            counts[ended] += 1
            if ended != "failed":
                line = f"{'not found' if ended == 'passed' else ended}  {mutant.path}:{mutant.line}  {mutant.change}"
                print(line, flush=True)
            path.write_text(whole, encoding="utf-8")
    found, late = len(drawn) - counts["passed"], counts["too long"]
    print(f"{asked.name}: {found} of {len(drawn)} changes found ({found / len(drawn):.0%}), {late} by the time limit; "
          f"{len(possible)} possible, seed {asked.seed}, tests {usual:.1f} s")  # fmt: skip


if __name__ == "__main__":
    main()
