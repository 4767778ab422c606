"""Every recorded action: the events of features in use and those that conversations leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from milepost.demo.adoption import Scene
from milepost.demo.billing import Life
from milepost.demo.columns import NEVER, numbered
from milepost.demo.conversations import Conversations
from milepost.demo.features import CONVERSATION_FEATURES, FEATURES, VALUE_EVENT
from milepost.demo.usage import Pace, lasting, moments, seats_factor
from milepost.demo.world import BURN_MONTHS, DAY_US, Flags, Ints

EVENT_NAMES = tuple(name for feature in FEATURES for name in feature.events.split("|"))
LATE_SHARE, LATE_DAYS = 0.03, 3
USING_SHARE = 0.7  # of the seats, people who really work with the product


@dataclass(frozen=True)
class Actions:
    """Some events: account, place in EVENT_NAMES, moment (int64 microseconds), whether a user of the account did it."""

    account: NDArray[np.intp]
    name: NDArray[np.intp]
    moment: Ints
    by_user: Flags


def feature_actions(scene: Scene, lived: Life, busy: Pace, used: Flags) -> Actions:
    """The events of all features but those that conversations tell of."""
    rng = scene.world.draws(15)
    rates = np.array([feature.rate for feature in FEATURES])
    once = np.array([feature.once for feature in FEATURES])
    drawn = np.array([feature.name not in CONVERSATION_FEATURES for feature in FEATURES])
    size = seats_factor(lived.seats, 0.35) * busy.factor * busy.share
    months, accounts, features = [], [], []
    for now in range(BURN_MONTHS, len(used)):
        alive = np.flatnonzero(busy.share[now])
        state = used[now][alive] & drawn
        state &= ~(once & used[now - 1][alive])
        row, feature = np.nonzero(state)
        count = rng.poisson(rates[feature] * size[now, alive[row]])
        count[once[feature]] = 1
        accounts.append(np.repeat(alive[row], count))
        features.append(np.repeat(feature, count))
        months.append(np.full(int(count.sum()), now))
    month, account, place = np.concatenate(months), np.concatenate(accounts), np.concatenate(features)
    moment = moments(rng, busy.opens[month, account], busy.closes[month, account])
    keep = lasting(rng, busy, account, moment)
    account, place, moment = account[keep], place[keep], moment[keep]
    return Actions(account, _names(rng, place), moment, np.ones(len(account), bool))


def conversation_actions(talks: Conversations) -> tuple[Actions, ...]:
    """Opened, replied and resolved, exactly as the conversations say."""
    solved = talks.resolved_us != NEVER
    return (
        _named("conversation_opened", talks.account, talks.opened_us, by_user=False),
        _named("conversation_replied", talks.account[talks.reply_of], talks.reply_us, by_user=True),
        _named(VALUE_EVENT, talks.account[solved], talks.resolved_us[solved], by_user=True),
    )


def events_table(scene: Scene, lived: Life, parts: tuple[Actions, ...]) -> pa.Table:
    """The contract's events, by moment; ids count from 1 in that order."""
    rng = scene.world.draws(16)
    moment = np.concatenate([part.moment for part in parts])
    order = np.argsort(moment, kind="stable")
    moment = moment[order]
    account = np.concatenate([part.account for part in parts])[order]
    name = np.concatenate([part.name for part in parts])[order]
    by_user = np.concatenate([part.by_user for part in parts])[order]
    users, people = _users(rng, scene, lived, account, moment)
    return pa.table(
        {
            "account_id": _coded(account, numbered("acc-", np.arange(1, scene.people.count + 1), 5)),
            "occurred_at": pa.array(moment.view("datetime64[us]")),
            "event_name": _coded(name, pa.array(EVENT_NAMES)),
            "user_id": _coded(users, people, by_user),
            "event_id": numbered("e-", np.arange(1, len(moment) + 1), 8),
            "loaded_at": pa.array(_loaded(rng, moment).view("datetime64[us]")),
        }
    )


def _users(
    rng: np.random.Generator, scene: Scene, lived: Life, account: NDArray[np.intp], moment: Ints
) -> tuple[Ints, pa.Array]:
    """Who did it: a place among all users, and their ids; the first users of an account do most."""
    most = np.maximum(1, np.ceil(USING_SHARE * lived.seats.max(axis=0))).astype(np.int64)
    offset = np.cumsum(most) - most
    month = np.searchsorted(scene.calendar.starts, moment, side="right") - 2  # seats as the month began
    working = np.maximum(1.0, np.ceil(USING_SHARE * lived.seats[month, account]))
    place = offset[account] + (working * rng.random(len(account)) ** 1.5).astype(np.int64)
    return place, numbered("u-", rng.permutation(int(most.sum())) + 1, 7)


def _loaded(rng: np.random.Generator, moment: Ints) -> Ints:
    """When an event reached the tables: within two minutes, a few per cent up to three days late."""
    loaded: Ints = moment + rng.integers(2_000_000, 120_000_000, len(moment))
    late = np.flatnonzero(rng.random(len(moment), dtype=np.float32) < LATE_SHARE)
    loaded[late] += rng.integers(0, LATE_DAYS * DAY_US, len(late))
    return loaded


def _names(rng: np.random.Generator, place: NDArray[np.intp]) -> NDArray[np.intp]:
    """One of the event names of each feature, any as likely as the others."""
    number = np.array([len(feature.events.split("|")) for feature in FEATURES])
    first = np.cumsum(number) - number
    name: NDArray[np.intp] = first[place]
    several = np.flatnonzero(number[place] > 1)
    name[several] += rng.integers(0, number[place[several]])
    return name


def _named(name: str, account: NDArray[np.intp], moment: Ints, *, by_user: bool) -> Actions:
    place = np.full(len(account), EVENT_NAMES.index(name))
    return Actions(account, place, moment, np.full(len(account), by_user))


def _coded(codes: NDArray[np.int64], words: pa.Array, known: Flags | None = None) -> pa.DictionaryArray:
    places = pa.array(codes.astype(np.int32), mask=None if known is None else ~known)
    return pa.DictionaryArray.from_arrays(places, words)
