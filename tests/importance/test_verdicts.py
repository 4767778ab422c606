"""Every verdict, its place in the order, and the figures in its sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from milepost.adoption import Adoption, Standing
from milepost.importance.effect import Effect
from milepost.importance.verdicts import Case, churned_needed, decide, grade, hypothesis_verdict, judge
from milepost.importance.words import words_for
from milepost.settings import RankingSettings
from milepost.terms import Goal, Verdict

RULES = RankingSettings()


def effect(point: float, error: float = 1.0) -> Effect:
    return Effect(point, point - 2 * error, point + 2 * error, 0.5, error, 0.5, np.zeros(1), 100)


def case(standing: Standing = Standing.INSIDE, **changed: Any) -> Case:
    adoption = Adoption("bots", 900, 400, 600, 0.4, {}, {}, 0.1, 0.96, standing)
    parts: dict[str, Any] = {
        "adoption": adoption, "total": effect(3.0), "direct": effect(3.0), "alone": effect(3.5),
        "raw": effect(4.0), "q": 0.01,
        "same_sign": 0.99, "intensity": None, "nearest": "inbox", "nearest_correlation": 0.6,
        "bundle": (), "leads_to": (), "grade": "adjusted", "family": 40,
        "churned_accounts": 200, "accounts": 2000,
    }  # fmt: skip
    return Case(**{**parts, **changed})


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (case(), Verdict.KEEP),
        # clear, and surely less than matters
        (case(total=effect(0.5, 0.2), alone=effect(0.5, 0.2)), Verdict.NO_EFFECT),
        (case(total=effect(0.5, 0.2), smallest=0.8), Verdict.KEEP),
        (case(Standing.NICHE, total=effect(0.5, 0.2)), Verdict.NICHE),
        (case(Standing.TOO_NEW), Verdict.TOO_NEW),
        (case(Standing.UBIQUITOUS), Verdict.UBIQUITOUS),
        (case(Standing.UBIQUITOUS, intensity=effect(3.0)), Verdict.UBIQUITOUS_INTENSITY),
        (case(Standing.UBIQUITOUS, intensity=effect(3.0), q=0.06), Verdict.UBIQUITOUS),
        (case(Standing.NICHE), Verdict.NICHE_WATCH),
        (case(Standing.NICHE, q=0.2), Verdict.NICHE),
        (case(total=effect(-3.0)), Verdict.HARMFUL),
        (case(q=0.06), Verdict.INCONCLUSIVE),
        (case(same_sign=0.9), Verdict.INCONCLUSIVE),
        # gone once plan, size and depth are equal; gone once the other features are too
        (case(total=effect(1.0), alone=effect(1.0), q=0.5), Verdict.NOT_SEPARABLE),
        (case(total=effect(1.0), alone=effect(1.0), q=0.5, accounts=50_000), Verdict.CONFOUNDED),
        (case(total=effect(1.0), q=0.5, accounts=50_000), Verdict.PROXY),
        (case(total=effect(1.0), q=0.5), Verdict.NOT_SEPARABLE),
        (case(total=effect(0.1, 0.4), alone=effect(0.1), raw=effect(0.1), q=0.9), Verdict.NO_EFFECT),
        (case(total=effect(0.1, 0.5), alone=effect(0.1), raw=effect(0.1), q=0.9), Verdict.INCONCLUSIVE),
        (case(total=effect(float("nan")), q=float("nan")), Verdict.INCONCLUSIVE),
        # the direct effect is shown and never decides
        (case(direct=effect(0.0)), Verdict.KEEP),
    ],
)
def test_decide(given: Case, verdict: Verdict) -> None:
    assert decide(given, RULES) is verdict


def test_sentences_carry_figures() -> None:
    assert "+3.0 points (+1.0 to +5.0)" in judge(case(), RULES).because
    assert "one bundle with 'inbox': which of them" in judge(case(bundle=("inbox",)), RULES).because
    led = judge(case(direct=effect(1.0), leads_to=("a", "b", "c", "d")), RULES).because
    assert "leads to 'a', 'b', 'c' and 1 more, +1.0 without what it does through them" in led
    assert "an association only" in judge(case(grade="association"), RULES).because
    assert "nearest 'inbox' (correlation 0.60)" in judge(case(total=effect(1.0), q=0.5), RULES).because
    confounded = judge(case(total=effect(1.0), alone=effect(1.2), q=0.5), RULES).because
    assert "(+4.0 points (+2.0 to +6.0) raw), but at equal plan" in confounded
    assert "the difference is +1.2 points" in confounded
    assert "there are 200" in judge(case(q=0.06), RULES).because
    assert "nothing is held against it" in judge(case(Standing.TOO_NEW), RULES).because


def test_sentences_speak_of_their_goal() -> None:
    words = words_for(Goal.EXPANDED)
    assert judge(case(words=words), RULES).because.startswith("Expansion differs by +3.0 points")
    assert "expanded accounts would settle it" in judge(case(words=words, q=0.06), RULES).because
    assert words_for(Goal.EXPANDED, common=True).event == "not expanded"


@pytest.mark.parametrize(
    ("others", "together", "failed", "answer"),
    [
        ((effect(3.5), effect(3.5)), 0.0, False, "adjusted"),
        ((effect(3.5), effect(3.5)), 0.0, True, "association"),
        ((effect(3.5), effect(3.5)), 0.06, False, "association"),
        # the bound is 1.0: what depth takes off is as much
        ((effect(4.0), effect(3.0)), 0.0, False, "association"),
        ((effect(3.0), effect(4.2)), float("nan"), False, "association"),
        # an adjustment that makes the effect larger is no reason to doubt it
        ((effect(1.0), effect(1.0)), 0.0, False, "adjusted"),
    ],
)
def test_grade(others: tuple[Effect, ...], together: float, failed: bool, answer: str) -> None:
    assert grade(effect(3.0), others, together, failed) == answer
    mirrored = [effect(-other.effect) for other in others]
    assert grade(effect(-3.0), mirrored, together, failed) == answer


def test_no_sentence_says_cause() -> None:
    cases = [case(), case(total=effect(-3.0)), case(total=effect(1.0), q=0.5), case(Standing.NICHE)]
    assert not any("cause" in judge(given, RULES).because.lower() for given in cases)


def test_churned_needed_by_hand() -> None:
    # one test: z = 1.96 + 0.8416 = 2.8016; (2.8016 * 1 / 2)² = 1.962 times 200 churned
    assert churned_needed(case(total=effect(2.0), family=1)) == 393
    # an effect under a point is looked for as one point: 7.849 times
    assert churned_needed(case(total=effect(0.2), family=1)) == 1570


@pytest.mark.parametrize(
    ("hypothesis", "verdict", "answer"),
    [
        ("", Verdict.KEEP, ""),
        ("mature", Verdict.KEEP, "confirmed"),
        ("mature", Verdict.NO_EFFECT, "contradicted"),
        ("mature", Verdict.INCONCLUSIVE, "open"),
        ("mature", Verdict.NOT_SEPARABLE, "open"),
        ("basic", Verdict.UBIQUITOUS, "confirmed"),
        ("basic", Verdict.KEEP, "contradicted"),
        ("none", Verdict.NO_EFFECT, "confirmed"),
        ("none", Verdict.HARMFUL, "contradicted"),
    ],
)
def test_hypotheses(hypothesis: str, verdict: Verdict, answer: str) -> None:
    assert hypothesis_verdict(hypothesis, verdict) == answer
