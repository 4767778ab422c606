"""How a ranking speaks about its goal."""

from __future__ import annotations

from dataclasses import dataclass

from milepost.terms import Goal


@dataclass(frozen=True)
class Words:
    """goal: "Retention"; more, less: what adopters do ("stay more"); event: the rarer outcome ("churned")."""

    goal: str
    more: str
    less: str
    event: str


_WORDS = {
    Goal.RETAINED: Words("Retention", "stay more", "stay less", "churned"),
    Goal.EXPANDED: Words("Expansion", "expand more", "expand less", "expanded"),
    Goal.ACTIVE: Words("Staying active", "stay active more", "stay active less", "dormant"),
    Goal.MATURE: Words("Becoming mature", "become mature more", "become mature less", "matured"),
}
RETENTION = _WORDS[Goal.RETAINED]
_OPPOSITES = {"churned": "retained", "expanded": "not expanded", "dormant": "active", "matured": "not mature"}


def words_for(goal: Goal, common: bool = False) -> Words:
    """The words of a goal; `common`: the outcome it names is the more frequent one, so that the other is counted."""
    words = _WORDS[goal]
    return Words(words.goal, words.more, words.less, _OPPOSITES[words.event]) if common else words
