"""What a part of the answer needs from the data: said by `init` of columns, and by `doctor` of rows."""

from __future__ import annotations

# table.column (or setting) -> what is lost without it
NEEDS = {
    "accounts": "everything: one row per account, with account_id and created_at",
    "subscriptions": "churn by the end of a subscription, plans, seats and MRR; without it an account counts as "
    "churned when its events stop",
    "subscriptions.mrr": "expected loss, and what adoption gaps go with in retained MRR",
    "subscriptions.seats": "size bands, and utilization per seat instead of per account",
    "subscriptions.plan": "comparing accounts of the same plan",
    "subscriptions.term_ends_at": "comparing accounts that come up for renewal with each other",
    "events.user_id": "how many users of an account use a feature",
    "events.loaded_at": "seeing late rows only once they were there",
    "setup_step": "the steps to go live (setup_step in features.csv)",
    "plan": "who has access to a feature; without it everyone counts as eligible",
}
