"""The project's words: written to files and matched in them, so that a change breaks somebody's data."""

from milepost.terms import Action, Level, Measure, Movement, RiskBand, Verdict


def test_words_print_as_they_are_written():
    assert (
        f"{Level.MATURE} {RiskBand.HIGH} {Verdict.NICHE_WATCH} {Action.QUARANTINE}"
        == "mature high niche_watch quarantine"
    )


def test_risk_bands_rise():
    assert list(RiskBand) == ["low", "elevated", "high"]


def test_every_verdict_of_the_method_and_no_other():
    assert set(Verdict) == {
        "too_new", "ubiquitous", "ubiquitous_intensity", "niche", "niche_watch", "harmful", "keep", "confounded",
        "proxy", "not_separable", "no_effect", "inconclusive",
    }  # fmt: skip


def test_measures_are_in_the_order_in_which_signals_are_declared():
    assert list(Measure) == [
        "count", "recent_count", "active_days", "users", "user_share", "value_sum", "recency", "trend", "ever",
        "per_seat",
    ]  # fmt: skip


def test_movements_are_the_lines_of_the_bridge():
    assert list(Movement) == [
        "new", "reactivated", "resumed", "expanded", "contracted", "paused", "churned", "unchanged",
    ]  # fmt: skip
