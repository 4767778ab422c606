"""The conversations that accounts hold with people, and what surveys say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.demo.adoption import Scene
from milepost.demo.billing import Life
from milepost.demo.columns import NEVER, account_ids, choose, numbered, texts, times
from milepost.demo.usage import Pace, lasting, moments, seats_factor
from milepost.demo.world import BURN_MONTHS, DAY_US, Floats, Ints

PER_MONTH = 6.5  # of an average account of 8 seats that is set up
MINUTE_US = 60_000_000
CHANNELS = ("chat", "email", "form")
TOPICS = ("billing", "how_to", "problem", "account", "other")
KINDS = ("question", "problem", "request")


@dataclass(frozen=True)
class Conversations:
    """One entry per conversation, by opened_us; times int64 microseconds, NEVER where it did not happen.

    replies: how many there were; reply_of, reply_us: one entry per reply, its conversation and moment. stars: 0 where
    there is no rating.
    """

    account: NDArray[np.intp]
    opened_us: Ints
    replied_us: Ints
    resolved_us: Ints
    rated_us: Ints
    stars: Ints
    replies: Ints
    reply_of: NDArray[np.intp]
    reply_us: Ints


def converse(scene: Scene, lived: Life, busy: Pace, set_up: Floats) -> Conversations:
    """Draw the conversations; nothing of them happens after the account's end."""
    rng = scene.world.draws(12)
    rate = PER_MONTH * seats_factor(lived.seats, 0.55) * busy.factor * busy.share * (0.4 + 0.6 * set_up)
    month, account = np.nonzero(rate)
    count = rng.poisson(rate[month, account])
    month, account = np.repeat(month, count), np.repeat(account, count)
    opened = moments(rng, busy.opens[month, account], busy.closes[month, account])
    keep = lasting(rng, busy, account, opened)
    order = np.argsort(opened[keep], kind="stable")
    return _followed_up(rng, scene, busy, account[keep][order], opened[keep][order])


def conversations_table(scene: Scene, talks: Conversations) -> pd.DataFrame:
    """The contract's conversations."""
    rng, n = scene.world.draws(13), len(talks.account)
    quality = np.where(rng.random(n) < 0.1, np.clip(np.rint(rng.normal(78, 12, n)), 0, 100), np.nan)
    quality[talks.resolved_us == NEVER] = np.nan
    return pd.DataFrame(
        {
            "conversation_id": texts(numbered("conv-", np.arange(1, n + 1), 8)),
            "account_id": account_ids(talks.account),
            "opened_at": times(talks.opened_us),
            "first_reply_at": times(talks.replied_us),
            "resolved_at": times(talks.resolved_us),
            "replies": talks.replies,
            "rating": np.where(talks.stars > 0, talks.stars, np.nan),
            "rated_at": times(talks.rated_us),
            "channel": choose(CHANNELS, rng.choice(len(CHANNELS), n, p=[0.55, 0.35, 0.1])),
            "topic": choose(TOPICS, rng.choice(len(TOPICS), n, p=[0.15, 0.35, 0.25, 0.15, 0.1])),
            "kind": choose(KINDS, rng.choice(len(KINDS), n, p=[0.6, 0.25, 0.15])),
            "quality_score": quality,
            "reopened": _reopened(scene, talks),
        }
    )


def _reopened(scene: Scene, talks: Conversations) -> Floats:
    """How often a conversation was opened again before it was resolved for good, in one of fifteen."""
    again = scene.world.draws(18).geometric(0.8, len(talks.account)) * 1.0
    again[scene.world.draws(19).random(len(again)) > 1 / 15] = 0
    return np.where(talks.resolved_us == NEVER, np.nan, again)


def surveys_table(scene: Scene, busy: Pace) -> pd.DataFrame:
    """Every third account answers a quarter's question; healthy ones give higher scores."""
    rng = scene.world.draws(14)
    asked = np.zeros(busy.share.shape, bool)
    asked[BURN_MONTHS + 2 :: 3] = True
    month, account = np.nonzero(asked & (busy.share > 0.5) & (rng.random(busy.share.shape) < 0.35))
    health, n = scene.people.health[month, account], len(month)
    moment = moments(rng, busy.opens[month, account], busy.closes[month, account])
    nps = rng.random(n) < 0.7
    wide = np.clip(7.2 + 1.2 * health + rng.normal(0, 2, n), 0, 10)
    score = np.where(nps, wide, np.clip(3.9 + 0.5 * health + rng.normal(0, 0.9, n), 1, 5))
    order = np.argsort(moment, kind="stable")
    return pd.DataFrame(
        {
            "account_id": account_ids(account[order]),
            "answered_at": times(moment[order]),
            "kind": choose(("csat", "nps"), nps[order].astype(int)),
            "score": np.rint(score)[order],
        }
    )


def _followed_up(
    rng: np.random.Generator, scene: Scene, busy: Pace, account: NDArray[np.intp], opened: Ints
) -> Conversations:
    """First reply, resolution, replies between them and a rating, each cut off at the account's end."""
    n, ends = len(account), busy.end_us[account]
    haste = scene.world.knobs.hidden_on_use * scene.people.health[0, account]
    first = opened + (MINUTE_US * np.exp(rng.normal(3.6, 1.1, n) - haste)).astype(np.int64)
    done = first + (MINUTE_US * np.exp(rng.normal(5.8, 1.2, n))).astype(np.int64)
    solved = (rng.random(n) < 0.93) & (done < ends)
    reply_of = np.repeat(np.arange(n), rng.poisson(1.4, n) + 1)
    opening = np.append(True, reply_of[1:] != reply_of[:-1]) if n else np.zeros(0, bool)
    until = np.where(solved, done, first + DAY_US)[reply_of]
    reply = first[reply_of] + (rng.random(len(reply_of)) * (until - first[reply_of]) * ~opening).astype(np.int64)
    kept = reply < ends[reply_of]
    reply_of, reply = reply_of[kept], reply[kept]
    rated = done + (rng.random(n) * 2 * DAY_US).astype(np.int64) + MINUTE_US
    stars = np.clip(np.rint(4.1 + 0.4 * haste + rng.normal(0, 0.9, n)), 1, 5).astype(np.int64)
    has_stars = solved & (rng.random(n) < 0.25) & (rated < ends)
    return Conversations(
        account=account,
        opened_us=opened,
        replied_us=np.where(first < ends, first, NEVER),
        resolved_us=np.where(solved, done, NEVER),
        rated_us=np.where(has_stars, rated, NEVER),
        stars=np.where(has_stars, stars, 0),
        replies=np.bincount(reply_of, minlength=n).astype(np.int64),
        reply_of=reply_of,
        reply_us=reply,
    )
