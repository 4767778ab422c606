"""A product simulator that shares nothing with the demo product: monthly states as arrays, truth by intervention.

Accounts want features by plan, size, activity, hidden health and what else they use; churn looks at the use of the
last three months. Every random draw is made once, so that "everybody adopts" and "nobody does" rerun with the same
luck, and what a feature does through others counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.intp]

BURN = 8  # months before the first snapshot's window, so that habits have settled
HABIT = 3  # churn looks at use in the three months before
MONTH_DAYS, GAP_DAYS, OUTCOME_DAYS = 30, 14, 56
ROLES = ("null", "driver", "harmful", "proxy", "parent", "ubiquitous", "niche_null", "niche_real")
BEGIN, LEAVE, LEAVE_UNWANTED = 0.35, 0.03, 0.5


@dataclass(frozen=True)
class Kind:
    """How one kind of world differs; log-odds of churning in a month and probit loads.

    effects: False where no feature changes churn. heavy_only: an effect needs much use; small_only: an effect is
    there in small accounts only. chains: parents without an effect of their own that lead to drivers. bundle: share
    of the variance of wishes that an area has in common. plan_on_churn, plan_load: what the plan does to churn and to
    adoption. activity_on_churn, activity_load: the same for overall activity, which the counts show. health_*: the
    same for health that stands in no table; health_on_use moves the counts.
    """

    effects: bool = True
    heavy_only: bool = False
    small_only: bool = False
    chains: int = 2
    bundle: float = 0.1
    plan_on_churn: float = -0.3
    plan_load: float = 0.25
    activity_on_churn: float = -0.25
    activity_load: float = 0.2
    health_on_churn: float = 0.0
    health_load: float = 0.0
    health_on_use: float = 0.0


KINDS: dict[str, Kind] = {
    "plain": Kind(),
    "heavy use": Kind(heavy_only=True),
    "mediated": Kind(chains=8),
    "bundles": Kind(bundle=0.6),
    "small only": Kind(small_only=True),
    "premium": Kind(plan_on_churn=-0.9, plan_load=0.7),
    "activity": Kind(activity_on_churn=-0.7, activity_load=0.5),
    "no effect": Kind(effects=False, activity_on_churn=-0.5, plan_on_churn=-0.5),
    "hidden health": Kind(health_on_churn=-0.9, health_load=0.5),
    "reversed": Kind(effects=False, health_on_churn=-0.9, health_load=0.5, health_on_use=0.5),
}
UNMEASURED = ("hidden health", "reversed")


@dataclass(frozen=True)
class World:
    """One simulated product: `snapshots` monthly dates, about `monthly_churn` of running accounts leave in a month.

    At least 24 features: every role has some.
    """

    kind: str = "plain"
    accounts: int = 2_000
    snapshots: int = 10
    features: int = 60
    monthly_churn: float = 0.03
    seed: int = 1

    @property
    def knobs(self) -> Kind:
        return KINDS[self.kind]


@dataclass(frozen=True)
class Product:
    """The features of a world, one entry each.

    role: place in ROLES. rate: share that comes to want it. parent: column it follows, -1 none; pull: how much.
    odds: added to the monthly log-odds of churn. least_tier: plan from which it is there. loads: [4 × features], of
    size, plan, activity and health.
    """

    role: Ints
    rate: Floats
    parent: Ints
    pull: Floats
    odds: Floats
    least_tier: Ints
    area: Ints
    loads: Floats


@dataclass(frozen=True)
class People:
    """size, activity: float [accounts]; health: [months × accounts]; tier: 0, 1, 2; start: month of signing up."""

    size: Floats
    activity: Floats
    health: Floats
    tier: Ints
    start: Ints


@dataclass(frozen=True)
class Lived:
    """One draw of a world.

    counts: float32, uses in the last three months at each snapshot, [snapshots × accounts × features]; recent: the
    same of the last month; end: day from month 0, infinite where it stays; stay: the true chance of staying through
    the outcome window, [snapshots × accounts]; effect: float [features], truth in points of retention; adoption: float
    [features], among the eligible.
    """

    world: World
    people: People
    product: Product
    counts: NDArray[np.float32]
    recent: NDArray[np.float32]
    end: Floats
    stay: Floats
    effect: Floats
    adoption: Floats

    @property
    def relevant(self) -> Flags:
        """Adopted by 10 to 90 % of the eligible, and an effect above one point."""
        return np.asarray((self.adoption >= 0.1) & (self.adoption <= 0.9) & (self.effect > 1.0))


@dataclass(frozen=True)
class _Scene:
    """All that an intervention leaves as it is; luck: float32 [months × accounts × features]; heavy: modifiers."""

    world: World
    people: People
    product: Product
    wish: NDArray[np.float32]
    luck: NDArray[np.float32]
    weight: NDArray[np.float32]
    rate: NDArray[np.float32]

    @property
    def access(self) -> Flags:
        return np.asarray(self.people.tier[:, None] >= self.product.least_tier)


def live(world: World) -> Lived:
    """Draw the world; the same world gives the same arrays."""
    rng = np.random.default_rng([world.seed, sorted(KINDS).index(world.kind)])
    scene = _scene(world, rng)
    used = _adopt(scene)
    habit = _habit(used)
    contributed = _contribution(scene, habit)
    base = _base(scene, contributed)
    end = _ends(scene, base + contributed, rng)
    counts, recent = _counts(scene, used, rng)
    seen = _running(scene, end)
    there = end >= (np.array(snapshot_months(world))[:, None] * MONTH_DAYS + GAP_DAYS)
    effect = _effects(scene, habit, base, contributed, seen & there)
    adoption = _adoption(scene, counts, seen)
    stay = _retained(_chance(base + contributed), world)
    return Lived(world, scene.people, scene.product, counts, recent, end, stay, effect, adoption)


def snapshot_months(world: World) -> range:
    """The months at whose start accounts are seen."""
    return range(BURN, BURN + world.snapshots)


def _scene(world: World, rng: np.random.Generator) -> _Scene:
    months, count, knobs = BURN + world.snapshots + 3, world.accounts, world.knobs
    size = rng.normal(size=count)
    tier = np.digitize(0.6 * size + rng.normal(size=count), [-0.2, 1.1])
    health = np.empty((months, count))
    health[0] = rng.normal(size=count)
    for month in range(1, months):
        health[month] = 0.95 * health[month - 1] + np.sqrt(1 - 0.95**2) * rng.normal(size=count)
    start = np.where(rng.random(count) < 0.6, -rng.integers(1, 30, count), rng.integers(0, months - 4, count))
    people = People(size, rng.normal(size=count), health, tier, start)
    product = _product(world, rng)
    common = rng.normal(size=(count, 5))[:, product.area]
    own = rng.normal(size=(count, world.features))
    wide = product.role == ROLES.index("ubiquitous")
    share = np.where(wide, 0.0, knobs.bundle)
    load = np.column_stack([size, tier - 1.0, people.activity]) @ product.loads[:3]
    wish = np.sqrt(share) * common + np.sqrt(1 - share) * own + load
    settled = wish + health.std() * product.loads[3] * rng.normal(size=(count, 1))
    raised = np.where(product.parent >= 0, product.pull * product.rate[product.parent], 0.0)
    wish += raised - np.array([np.quantile(settled[:, f] + raised[f], 1 - product.rate[f]) for f in range(len(raised))])
    personal = 0.5 * rng.normal(size=(count, world.features))
    rate = np.exp(1.0 + 0.5 * people.activity[:, None] + 0.3 * size[:, None] + personal)
    weight = np.ones((count, world.features), dtype=np.float32)
    if knobs.heavy_only:
        weight = 2.5 * (personal + 0.5 * people.activity[:, None] > 0).astype(np.float32)
    if knobs.small_only:
        weight = 2.5 * np.repeat((size < 0)[:, None], world.features, axis=1).astype(np.float32)
    luck = rng.random((months, count, world.features), dtype=np.float32)
    return _Scene(world, people, product, wish.astype(np.float32), luck, weight, rate.astype(np.float32))


def _product(world: World, rng: np.random.Generator) -> Product:
    count, knobs = world.features, world.knobs
    role = np.zeros(count, dtype=np.intp)
    wanted = [("driver", 10), ("harmful", 2), ("proxy", 6), ("parent", knobs.chains), ("ubiquitous", 8),
              ("niche_null", 5), ("niche_real", 3)]  # fmt: skip
    names = [name for name, many in wanted for _ in range(round(many * max(count / 60, 0.5)))]
    role[: len(names)] = [ROLES.index(name) for name in names]
    rng.shuffle(role)
    columns = {name: np.flatnonzero(role == place) for place, name in enumerate(ROLES)}
    rate = rng.uniform(0.13, 0.8, count)
    rate[columns["driver"]] = rng.uniform(0.2, 0.6, len(columns["driver"]))
    rate[columns["parent"]] = rng.uniform(0.3, 0.6, len(columns["parent"]))
    rate[columns["ubiquitous"]] = rng.uniform(0.94, 0.99, len(columns["ubiquitous"]))
    for name in ("niche_null", "niche_real"):
        rate[columns[name]] = rng.uniform(0.04, 0.08, len(columns[name]))
    parent = np.full(count, -1, dtype=np.intp)
    parent[columns["proxy"]] = rng.choice(columns["driver"], len(columns["proxy"]))
    led = rng.permutation(columns["driver"])[: len(columns["parent"])]
    free = np.flatnonzero(np.isin(led, columns["driver"]))
    parent[led] = columns["parent"][free]
    odds = np.zeros(count)
    odds[columns["driver"]] = -rng.uniform(0.3, 1.0, len(columns["driver"]))
    odds[columns["harmful"]] = rng.uniform(0.3, 0.6, len(columns["harmful"]))
    odds[columns["niche_real"]] = -rng.uniform(0.8, 1.5, len(columns["niche_real"]))
    tier = np.where((role == 0) & (rng.random(count) < 0.25), rng.integers(1, 3, count), 0)
    tier[columns["driver"][:2]] = 1
    loads = np.vstack([
        rng.uniform(0, 0.4, count), rng.uniform(0, 2 * knobs.plan_load, count),
        rng.uniform(0.5, 1.5, count) * knobs.activity_load, rng.uniform(0.5, 1.5, count) * knobs.health_load,
    ])  # fmt: skip
    loads[:, columns["ubiquitous"]] *= 0.3
    return Product(
        role, rate, parent, np.where(parent >= 0, 1.5, 0.0), odds * knobs.effects, tier, np.arange(count) % 5, loads
    )  # fmt: skip


def _adopt(scene: _Scene, forced: int = -1, value: bool = False, columns: Ints | None = None) -> NDArray[np.uint8]:
    """In use, 0 or 1: [months × accounts × columns]; all columns, or a feature's descendants with it forced."""
    product = scene.product
    chosen = np.arange(len(product.role)) if columns is None else columns
    place = {int(column): here for here, column in enumerate(chosen)}
    children = [here for here, column in enumerate(chosen) if int(product.parent[column]) in place]
    parents = [place[int(product.parent[chosen[child]])] for child in children]
    pull = product.pull[chosen][children].astype(np.float32)
    access, wish = scene.access[:, chosen], scene.wish[:, chosen]
    load = product.loads[3][chosen].astype(np.float32)
    state = np.zeros(wish.shape, dtype=bool)
    used = np.zeros((len(scene.luck), *wish.shape), dtype=np.uint8)
    for month in range(-12, len(used)):
        hope = wish
        if load.any() or children:
            hope = wish + scene.people.health[max(month, 0)].astype(np.float32)[:, None] * load
            hope[:, children] += pull * state[:, parents]
        luck = scene.luck[month % len(scene.luck)] if month >= 0 else np.roll(scene.luck[-month], 1, axis=0)
        luck = luck if columns is None else luck[:, chosen]
        chance = np.where(hope > 0, np.where(state, 1 - LEAVE, BEGIN), np.where(state, 1 - LEAVE_UNWANTED, 0.0))
        state = (luck < chance) & access
        if forced >= 0:
            state[:, place[forced]] = access[:, place[forced]] & value
        if month >= 0:
            used[month] = state
    return used


def _habit(used: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Used in any of the three months before each month."""
    habit = np.zeros_like(used)
    for back in range(1, HABIT + 1):
        habit[back:] |= used[:-back]
    return habit


def _contribution(scene: _Scene, habit: NDArray[np.uint8]) -> Floats:
    """What features in use add to the log-odds of churn: [months × accounts]."""
    total = np.zeros(habit.shape[:2])
    for column in np.flatnonzero(scene.product.odds):
        total += scene.product.odds[column] * scene.weight[:, column] * habit[:, :, column]
    return total


def _base(scene: _Scene, contributed: Floats) -> Floats:
    """The log-odds of churn in a month without features: [months × accounts]."""
    knobs, people = scene.world.knobs, scene.people
    months = len(contributed)
    fixed = -0.2 * people.size + knobs.plan_on_churn * (people.tier - 1) + knobs.activity_on_churn * people.activity
    age = np.maximum(np.arange(months)[:, None] - people.start, 0)
    season = np.where(np.arange(months) % 12 < 2, 0.3, 0.0)[:, None]
    base = fixed + season - 0.15 * np.log1p(age / 6) + knobs.health_on_churn * people.health
    low, high = -14.0, 6.0
    for _ in range(40):
        middle = (low + high) / 2
        risen = _chance(base + contributed + middle)[BURN:].mean() >= scene.world.monthly_churn
        low, high = (low, middle) if risen else (middle, high)
    shifted: Floats = base + low
    return shifted


def _ends(scene: _Scene, logits: Floats, rng: np.random.Generator) -> Floats:
    months, count = logits.shape
    falls = (rng.random(logits.shape) < _chance(logits)) & (np.arange(months)[:, None] > scene.people.start)
    falls[:BURN] = False  # accounts from before are those that stayed until then
    month = np.where(falls.any(axis=0), falls.argmax(axis=0).astype(float), np.inf)
    ends: Floats = (month + rng.random(count)) * 30
    return ends


def _counts(
    scene: _Scene, used: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Uses in the last three months and in the last one at each snapshot."""
    health = scene.world.knobs.health_on_use
    monthly = np.zeros(used.shape, dtype=np.float32)
    there = np.arange(len(used))[:, None] >= scene.people.start
    for month in range(BURN - HABIT, len(used)):
        rate = scene.rate * np.exp(health * scene.people.health[month])[:, None]
        active = used[month] * there[month][:, None]
        monthly[month] = np.where(active, np.maximum(rng.poisson(rate), 1), 0)
    dates = snapshot_months(scene.world)
    window = np.stack([monthly[month - HABIT : month].sum(axis=0) for month in dates])
    return window, np.stack([monthly[month - 1] for month in dates])


def _running(scene: _Scene, end: Floats) -> Flags:
    """Running at each snapshot: [snapshots × accounts]."""
    dates = np.array(snapshot_months(scene.world))[:, None]
    return np.asarray((scene.people.start < dates) & (end >= dates * 30))


def _effects(scene: _Scene, habit: NDArray[np.uint8], base: Floats, contributed: Floats, seen: Flags) -> Floats:
    """Everybody with access adopts, minus nobody does: points of retention over the outcome window."""
    rest, product = base + contributed, scene.product
    points = np.zeros(len(product.role))
    for column in range(len(points)):
        family = _family(product, column)
        if not product.odds[family].any():
            continue
        counted = seen & scene.access[:, column]
        stayed = []
        for value in (True, False):
            forced = _habit(_adopt(scene, column, value, family))
            moved = rest.copy()
            for here, member in enumerate(family):
                change = forced[:, :, here].astype(np.float64) - habit[:, :, member]
                moved += product.odds[member] * scene.weight[:, member] * change
            stayed.append(_retained(_chance(moved), scene.world))
        points[column] = 100 * (stayed[0] - stayed[1])[counted].mean() if counted.any() else np.nan
    return points


def _retained(chance: Floats, world: World) -> Floats:
    """The chance of staying through the outcome window for who is there when it opens: [snapshots × accounts].

    An account that leaves in a month does so on any day of it, so the window's first and last month count in part.
    """
    dates = np.array(snapshot_months(world))
    before, last = GAP_DAYS / MONTH_DAYS, (GAP_DAYS + OUTCOME_DAYS - 2 * MONTH_DAYS) / MONTH_DAYS
    first = chance[dates]
    retained: Floats = (1 - first) / (1 - before * first) * (1 - chance[dates + 1]) * (1 - last * chance[dates + 2])
    return retained


def _family(product: Product, column: int) -> Ints:
    """A feature and all that follow it."""
    found = [column]
    for member in found:
        found += np.flatnonzero(product.parent == member).tolist()
    return np.array(found, dtype=np.intp)


def _adoption(scene: _Scene, counts: NDArray[np.float32], seen: Flags) -> Floats:
    eligible = seen[:, :, None] & scene.access
    return np.asarray(((counts > 0) & eligible).sum(axis=(0, 1)) / np.maximum(eligible.sum(axis=(0, 1)), 1))


def _chance(logits: Floats) -> Floats:
    chance: Floats = 1 / (1 + np.exp(-logits))
    return chance


__all__ = ["KINDS", "UNMEASURED", "Lived", "World", "live", "replace", "snapshot_months"]
