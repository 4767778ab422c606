"""The flags that milepost brings, after what is usual in success teams; each can be replaced or left out.

Their owners are `success` (retention, onboarding), `support` (questions) and `sales` (expansion, references). Shares
are assumptions, not findings: name an experiment in their place as soon as there is one.
"""

from __future__ import annotations

from milepost.settings import RoutingFlag
from milepost.terms import Route

DEFAULT_FLAGS = (
    RoutingFlag(
        name="unanswered", when="open_unanswered >= 1 and unanswered_hours >= 24", owner="support", priority=10,
        expires_days=14, quiet_days=0, hours=0.25, reason="asked and has had no reply for a day", any_price=True,
    ),
    RoutingFlag(
        name="upset", when="bad_ratings_84 >= 2 or upset_topics_28 >= 2 or account.csat <= 2 or account.nps <= 3",
        until="bad_ratings_84 == 0 and not upset_topics_28 >= 1 and not account.csat <= 2 and not account.nps <= 3",
        owner="support", priority=20, hours=0.5, reason="rated badly, or writes about what upsets",
    ),
    RoutingFlag(
        name="onboarding_behind", when="next_milestone in ['setup', 'activation'] and tenure_days >= 14",
        owner="success", priority=30, expires_days=90, hours=1.0, reason="in onboarding and behind",
    ),
    RoutingFlag(
        name="revenue_at_risk", when="expected_loss >= 20", until="expected_loss < 15", owner="success", priority=40,
        hours=1.0, reason="revenue is at risk: churn risk times MRR",
    ),
    RoutingFlag(
        name="expansion_in_reach",
        when="account.seats_active >= 0.95 and risk_band == 'low' and mature_categories >= 3",
        until="account.seats_active < 0.85 or risk_band == 'high'", owner="sales", priority=50, hours=1.0,
        reason="nearly all seats are in use: more may be wanted", worth="mrr", share=0.02,
    ),
    RoutingFlag(
        name="self_service_first", when="queue_overloaded >= 1 or covered_hours < 2", route=Route.SELF_SERVE,
        priority=60, reason="out of hours, or the queue is overloaded: self-service first",
    ),
    RoutingFlag(
        name="repeated_question", when="same_topic_28 >= 5", until="same_topic_28 < 3", route=Route.SELF_SERVE,
        priority=70, reason="asks about one topic again and again: the knowledge base has to answer it",
    ),
    RoutingFlag(
        name="prefers_self_help", when="help_views_28 >= 5 and conversations_28 == 0", route=Route.SELF_SERVE,
        priority=80, reason="reads help content and does not write",
    ),
    RoutingFlag(
        name="prefers_people", when="conversations_28 >= 10 and not help_views_28 >= 1", until="conversations_28 < 6",
        owner="support", priority=90, hours=0.5, reason="writes often and reads no help content",
    ),
    RoutingFlag(
        name="reference", when="mature_categories >= 4 and account.nps >= 9 and risk_band == 'low'", owner="sales",
        priority=100, expires_days=90, quiet_days=180, hours=0.5, reason="satisfied and mature: ask for a reference",
        worth="mrr", share=0.005,
    ),
)  # fmt: skip
