"""LightGBM's text form of a booster: what is kept of it, and the check before it is handed to LightGBM's own parser.

The parser trusts its input: a child that points backwards never ends, a column number too high reads foreign memory.
"""

from __future__ import annotations

from milepost.errors import BundleError

END = "end of trees\n"


def trees_only(text: str) -> str:
    """The text without what follows the trees: importances, and parameters such as the number of threads."""
    return text[: text.index(END) + len(END)] + "\n"


def check_booster(text: str, columns: int) -> None:
    """Raise BundleError unless the text is a binary booster over `columns` columns whose trees are well formed."""
    head, found, _ = text.partition("Tree=0\n")
    fields = dict(line.partition("=")[::2] for line in head.splitlines())
    names = [f"f{place:04d}" for place in range(columns)]
    right = (
        bool(found)
        and fields.get("objective") == "binary sigmoid:1"
        and fields.get("num_class") == fields.get("num_tree_per_iteration") == "1"
        and fields.get("max_feature_idx") == str(columns - 1)
        and fields.get("feature_names", "").split() == names
        and len(fields.get("feature_infos", "").split()) == columns
        and text.endswith(END + "\n")
    )
    if not right:
        raise _broken("its head does not fit the signals")
    try:
        _check_trees(text, len(head), [int(size) for size in fields["tree_sizes"].split()], columns)
    except (KeyError, ValueError, IndexError):
        raise _broken("a tree is not well formed") from None


def _check_trees(text: str, start: int, sizes: list[int], columns: int) -> None:
    for number, size in enumerate(sizes):
        tree = text[start : start + size]
        if not tree.startswith(f"Tree={number}\n") or tree.count("Tree=") != 1:
            raise ValueError(number)
        _check_tree(dict(line.partition("=")[::2] for line in tree.splitlines() if line), columns)
        start += size
    if text[start:] != END + "\n":
        raise ValueError(start)


def _check_tree(fields: dict[str, str], columns: int) -> None:
    leaves = int(fields["num_leaves"])
    if (
        leaves < 1
        or fields["num_cat"] != "0"
        or fields["is_linear"] != "0"
        or len(_floats(fields["leaf_value"])) != leaves
    ):
        raise ValueError(leaves)
    if leaves == 1:
        return
    splits, left, right = (_ints(fields[name]) for name in ("split_feature", "left_child", "right_child"))
    inner = leaves - 1
    numbers = [fields[name].split() for name in ("split_gain", "threshold", "decision_type", "internal_value")]
    if {len(splits), len(left), len(right), *map(len, numbers)} != {inner} or not all(0 <= s < columns for s in splits):
        raise ValueError(inner)
    # a leaf is written as -1 - leaf; every node but the first has exactly one parent, which stands before it
    children = [*zip(range(inner), left, strict=True), *zip(range(inner), right, strict=True)]
    if any(parent >= child >= 0 for parent, child in children):
        raise ValueError(inner)
    if sorted(child for _, child in children) != [*range(-leaves, 0), *range(1, inner)]:
        raise ValueError(inner)


def _ints(text: str) -> list[int]:
    return [int(word) for word in text.split()]


def _floats(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def _broken(what: str) -> BundleError:
    return BundleError(f"the booster cannot be used: {what}", where="booster.txt", fix="train again")
