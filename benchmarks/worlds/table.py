"""The results of the ranking benchmark as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.stats import beta

Line = dict[str, Any]

_SIGNED = ("ours", "phi", "odds_ratio")
_OURS = {
    "kept": "kept a run",
    "false": "of them false, % of keeps",
    "found": "relevant found",
    "niche_found": "niche: real ones found",
    "niche_alarmed": "niche: empty ones alarmed",
    "ubiquitous": "ubiquitous kept",
    "coverage": "coverage of 95 % intervals",
    "coverage_effects": "the same, features with an effect",
    "sign": "sign right",
    "lowered_kept": "kept features graded an association",
    "seconds": "CPU seconds",
}


def table(lines: list[Line]) -> str:
    """Lists by size, our own figures by size, our figures by world, and the block of unmeasured confounding."""
    measured = [line for line in lines if not line["unmeasured"]]
    hidden = [line for line in lines if line["unmeasured"]]
    return "\n\n".join([_lists(measured), _ours(measured), _worlds(lines), _hidden(hidden), _nulls(lines)])


def _lists(lines: list[Line]) -> str:
    sizes = sorted({line["accounts"] for line in lines})
    names = list(dict.fromkeys(name for line in lines for name in line["lists"]))
    rows = []
    for name in names:
        cells = []
        for size in sizes:
            found = [line["lists"][name] for line in lines if line["accounts"] == size and name in line["lists"]]
            sign = _mean(found, "sign") if name in _SIGNED else "–"
            cells += [_mean(found, "ndcg"), _mean(found, "precision"), sign, _mean(found, "seconds", 0)]
        rows.append([name, *cells])
    heads = [f"{what}, {size:,}" for size in sizes for what in ("nDCG@15", "P@10", "sign", "CPU s")]
    return _markdown(["list", *heads], rows)


def _ours(lines: list[Line]) -> str:
    sizes = sorted({line["accounts"] for line in lines})
    rows = [["runs", *[str(len(_of(lines, size))) for size in sizes]]]
    for key, label in _OURS.items():
        rows.append([label, *[_false_share(_of(lines, size)) if key == "false" else _mean(_of(lines, size), key)
                              for size in sizes]])  # fmt: skip
    return _markdown(["ours", *[f"{size:,} accounts" for size in sizes]], rows)


def _worlds(lines: list[Line]) -> str:
    rows = []
    for source, kind, size in sorted({(line["source"], line["kind"], line["accounts"]) for line in lines}):
        here = [line for line in lines if (line["source"], line["kind"], line["accounts"]) == (source, kind, size)]
        ours = [line["lists"]["ours"] for line in here]
        best = _best_peer(here)
        rows.append([
            f"{source}: {kind}", f"{size:,}", str(len(here)), _mean(ours, "ndcg"), best, _mean(ours, "kept", 1),
            _mean(ours, "false", 1), _mean(ours, "found"), _mean(ours, "coverage"),
        ])  # fmt: skip
    heads = ["world", "accounts", "runs", "nDCG@15 ours", "best peer", "kept", "false", "relevant found", "coverage"]
    return _markdown(heads, rows)


def _hidden(lines: list[Line]) -> str:
    rows = []
    for source, kind, size in sorted({(line["source"], line["kind"], line["accounts"]) for line in lines}):
        ours = [line["lists"]["ours"] for line in lines
                if (line["source"], line["kind"], line["accounts"]) == (source, kind, size)]  # fmt: skip
        rows.append([f"{source}: {kind}", f"{size:,}", str(len(ours)), _mean(ours, "kept", 1), _mean(ours, "false", 1),
                     _mean(ours, "control_failed"), _mean(ours, "lowered_false"),
                     _mean(ours, "lowered"), _mean(ours, "lowered_kept")])  # fmt: skip
    heads = ["unmeasured confounding", "accounts", "runs", "kept", "false", "negative control fails",
             "false ones lowered", "runs lowered", "all kept lowered"]  # fmt: skip
    return _markdown(heads, rows)


def _nulls(lines: list[Line]) -> str:
    """Worlds in which nothing has an effect and nothing is hidden: how many runs keep anything."""
    rows = []
    for source, kind, size in sorted({(line["source"], line["kind"], line["accounts"]) for line in lines}):
        if kind in ("no effect", "no_effect"):
            ours = _of([line for line in lines if (line["source"], line["kind"]) == (source, kind)], size)
            hits = sum(line["kept"] > 0 for line in ours)
            one, two = (upper_bound(hits, len(ours), level) for level in (0.95, 0.975))
            rows.append(
                [f"{source}: {kind}", f"{size:,}", f"{hits} of {len(ours)}", f"{100 * one:.1f} %", f"{100 * two:.1f} %"]
            )
    heads = ["nothing to find", "accounts", "runs that keep anything", "exact 95 % upper bound", "two-sided"]
    return _markdown(heads, rows)


def upper_bound(hits: int, runs: int, level: float) -> float:
    """Exact upper bound of a share (Clopper and Pearson)."""
    return 1.0 if hits == runs else float(beta.ppf(level, hits + 1, runs - hits))


def _best_peer(lines: list[Line]) -> str:
    names = {name for line in lines for name in line["lists"] if name != "ours"}
    means = {name: _number([line["lists"][name] for line in lines if name in line["lists"]], "ndcg") for name in names}
    known = {name: mean for name, mean in means.items() if np.isfinite(mean)}
    if not known:
        return "–"
    best = max(known, key=lambda name: known[name])
    return f"{known[best]:.2f} ({best})"


def _of(lines: list[Line], size: int) -> list[Line]:
    return [line["lists"]["ours"] for line in lines if line["accounts"] == size]


def _false_share(found: list[Line]) -> str:
    kept = sum(line["kept"] for line in found)
    return f"{100 * sum(line['false'] for line in found) / kept:.1f} %" if kept else "–"


def _number(found: Iterable[Line], key: str) -> float:
    values = [line[key] for line in found if line.get(key) is not None]
    return float(np.mean(values)) if values else float("nan")


def _mean(found: Iterable[Line], key: str, digits: int = 2) -> str:
    mean = _number(found, key)
    return f"{mean:.{digits}f}" if np.isfinite(mean) else "–"


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
