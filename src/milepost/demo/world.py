"""What kind of world the demo product lives in, and its calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from milepost.errors import InputError, nearest

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAY_US = 86_400_000_000
BURN_MONTHS = 12  # months before the data begin, so that older accounts arrive with habits


@dataclass(frozen=True)
class Knobs:
    """How one kind of world differs; log-odds and probit loads unless said otherwise.

    `effects` is False where no feature changes churn; `hidden_*` say what the account's hidden health moves;
    `follow_load` is how strongly features marked `follows_health` are adopted by healthy accounts; `bundle_share` the
    share of the variance of wanting a feature that all features of an area have in common; `decay_share` the share
    of churned accounts whose use falls first; `signup_growth` the monthly growth of sign-ups; `seat_growth` a factor
    on the chance of buying seats; `stepped` makes a category's drivers work only from two adopted ones up.
    """

    effects: bool = True
    hidden_on_churn: float = -0.45
    hidden_on_use: float = 0.25
    hidden_on_adoption: float = 0.08
    follow_load: float = 0.08
    bundle_share: float = 0.05
    decay_share: float = 0.65
    signup_growth: float = 0.0
    seat_growth: float = 1.0
    stepped: bool = False
    late_launch: bool = False


KINDS: dict[str, Knobs] = {
    "standard": Knobs(),
    "no_effect": Knobs(
        effects=False, hidden_on_churn=0.0, hidden_on_use=0.0, hidden_on_adoption=0.0, follow_load=0.0, decay_share=0.0
    ),
    "confounded": Knobs(hidden_on_churn=-0.9, hidden_on_use=0.35, follow_load=1.0),
    "bundles": Knobs(bundle_share=0.85),
    "non_linear": Knobs(stepped=True),
    "growth": Knobs(signup_growth=0.06, seat_growth=2.0),
    "late_launch": Knobs(late_launch=True),
    # these change at a date: see milepost.demo.changes
    "driver_dies": Knobs(),
    "threshold_moves": Knobs(stepped=True),
    "plans_renamed": Knobs(),
    "tracking_breaks": Knobs(),
    "season_only": Knobs(),
}


@dataclass(frozen=True)
class World:
    """The settings of one simulated product.

    `accounts` sign up over `months` calendar months from `start` (a first of a month), about a third of them before.
    `churned_share` is about the share of running accounts that churn within a 56-day outcome window, over all
    months, `annual_share` the share of accounts on annual terms, `unconverted_share` that of trials that never pay.
    """

    accounts: int = 3000
    months: int = 24
    seed: int = 7
    start: date = date(2023, 1, 1)
    kind: str = "standard"
    churned_share: float = 0.048
    annual_share: float = 0.30
    unconverted_share: float = 0.08

    def __post_init__(self) -> None:
        _refuse(self.kind not in KINDS, f"kind '{self.kind}'", nearest(self.kind, KINDS))
        _refuse(self.accounts < 50, f"{self.accounts} accounts", "at least 50")
        _refuse(not 6 <= self.months <= 120, f"{self.months} months", "6 to 120")
        _refuse(self.start.day != 1, f"start {self.start}", "the first of a month")
        _refuse(self.seed < 0, f"seed {self.seed}", "a whole number from 0 up")
        _refuse(not 0 < self.churned_share < 0.5, f"churned_share {self.churned_share}", "between 0 and 0.5")

    @property
    def knobs(self) -> Knobs:
        return KINDS[self.kind]

    def draws(self, part: int) -> np.random.Generator:
        """A stream of random numbers of its own for each part, so that one part's changes leave the others alone."""
        return np.random.default_rng([self.seed, part])


@dataclass(frozen=True)
class Calendar:
    """Month starts as int64 microseconds since 1970, from `BURN_MONTHS` before the data begin to 14 months after.

    Months are counted from the first of them: month `BURN_MONTHS` is the first with data, `last` the first without.
    """

    starts: Ints
    last: int

    @property
    def begin_us(self) -> int:
        return int(self.starts[BURN_MONTHS])

    @property
    def end_us(self) -> int:
        return int(self.starts[self.last])

    def month_of_year(self, month: int) -> int:
        """1 to 12."""
        return int(self.starts[month].astype("datetime64[us]").astype("datetime64[M]").astype(int) % 12) + 1

    def day(self, month: int) -> date:
        """The first day of a month."""
        day: date = self.starts[month].astype("datetime64[us]").astype("datetime64[D]").item()
        return day


def calendar(world: World) -> Calendar:
    """The calendar of a world."""
    first = np.datetime64(world.start, "M") - BURN_MONTHS
    last = BURN_MONTHS + world.months
    starts = np.arange(first, first + last + 14).astype("datetime64[us]").astype(np.int64)
    return Calendar(starts, last)


def _refuse(wrong: bool, what: str, expected: str) -> None:
    if wrong:
        raise InputError(what, where="demo", expected=expected)
