from __future__ import annotations

import pandas as pd

from milepost.demo.simulate import Demo


def test_times_of_a_conversation_are_in_order(demo: Demo) -> None:
    talks = demo.conversations
    answered = talks[talks["first_reply_at"].notna()]
    assert (answered["first_reply_at"] > answered["opened_at"]).all()
    solved = talks[talks["resolved_at"].notna()]
    assert (solved["resolved_at"] > solved["first_reply_at"]).all()
    rated = talks[talks["rated_at"].notna()]
    assert (rated["rated_at"] > rated["resolved_at"]).all()
    assert (talks["rating"].notna() == talks["rated_at"].notna()).all()
    assert talks["rating"].dropna().isin([1, 2, 3, 4, 5]).all()
    assert 0.15 < len(rated) / len(talks) < 0.3
    assert talks["conversation_id"].is_unique


def test_replies_are_none_exactly_without_a_first_reply(demo: Demo) -> None:
    talks = demo.conversations
    assert ((talks["replies"] == 0) == talks["first_reply_at"].isna()).all()


def test_events_and_conversations_agree(demo: Demo, events: pd.DataFrame) -> None:
    talks = demo.conversations
    for name, column in (("conversation_opened", "opened_at"), ("conversation_resolved", "resolved_at")):
        told = talks.dropna(subset=column)[["account_id", column]].set_axis(["account_id", "occurred_at"], axis=1)
        seen = events.loc[events["event_name"] == name, ["account_id", "occurred_at"]].astype({"account_id": "str"})
        order = ["account_id", "occurred_at"]
        pd.testing.assert_frame_equal(
            told.sort_values(order, ignore_index=True), seen.sort_values(order, ignore_index=True)
        )
    replies = events.loc[events["event_name"] == "conversation_replied", "account_id"].astype("str").value_counts()
    told_replies = talks.groupby("account_id")["replies"].sum()
    assert replies.to_dict() == told_replies[told_replies > 0].to_dict()


def test_people_outside_open_conversations_and_users_answer(events: pd.DataFrame) -> None:
    opened = events["event_name"] == "conversation_opened"
    assert events.loc[opened, "user_id"].isna().all()
    assert events.loc[~opened, "user_id"].notna().all()


def test_surveys_have_scores_of_their_kind(demo: Demo) -> None:
    scores = demo.surveys.groupby("kind")["score"].agg(["min", "max"])
    assert scores.loc["nps"].between(0, 10).all()
    assert scores.loc["csat"].between(1, 5).all()
