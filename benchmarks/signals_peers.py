"""One contestant of benchmarks/signals.py: the same 8 measures of 60 features by another library, as a wide matrix.

It needs nothing of milepost, so that it runs where that cannot be installed. Each is written as one would who knows
the library: no loop over accounts, one grouping per question, categories for text. A call of featuretools has one
window, so it takes three.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

WINDOW_DAYS, RECENT_DAYS, FEATURES = 84, 28, 60
DAY = np.timedelta64(1, "D")


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def wide(parts: dict[str, tuple[Any, Any, Any]], accounts: int) -> np.ndarray:
    """measure -> (account, feature, values), scattered to float32 [accounts × measures × features]."""
    matrix = np.zeros((accounts, len(parts), FEATURES), dtype=np.float32)
    for place, (account, feature, values) in enumerate(parts.values()):
        matrix[account, place, feature] = values
    return matrix.reshape(accounts, -1)


def measures(uses: np.ndarray, recent: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Daily rates and their trend."""
    late, early = recent / RECENT_DAYS, (uses - recent) / (WINDOW_DAYS - RECENT_DAYS)
    return uses / WINDOW_DAYS, late, (late - early) / np.maximum(late + early, 1e-12)


def with_polars(folder: Path) -> np.ndarray:
    import polars as pl

    end = pl.scan_parquet(folder / "events.parquet").select(pl.col("occurred_at").max()).collect().item()
    end = np.datetime64(end.date()) + 1
    start, late = (pl.lit((end - days).astype("datetime64[us]")) for days in (WINDOW_DAYS, RECENT_DAYS))
    ids = pl.read_parquet(folder / "accounts.parquet", columns=["account_id"]).with_row_index("account")
    names = pl.DataFrame({"event_name": [f"event_{n}" for n in range(1, FEATURES + 1)]}).with_row_index("feature")
    visible = pl.max_horizontal("occurred_at", "loaded_at") < pl.lit(end.astype("datetime64[us]"))
    events = (
        pl.scan_parquet(folder / "events.parquet").filter(visible)
        .join(ids.lazy(), on="account_id").join(names.lazy(), on="event_name", how="left")
    )  # fmt: skip
    inside = pl.col("occurred_at") >= start
    day = (pl.col("occurred_at") - start).dt.total_days().clip(0)
    one = pl.lit(1, pl.Int64)
    bit = one * (2 ** pl.when(day < 62).then(day).otherwise(day - 62)).cast(pl.Int64)
    use = events.group_by("account", "feature").agg(
        uses=inside.sum(), recent=(inside & (pl.col("occurred_at") >= late)).sum(),
        last=pl.col("occurred_at").filter(inside).max(),
        first_word=bit.filter(inside & (day < 62)).bitwise_or(),
        second_word=bit.filter(inside & (day >= 62)).bitwise_or(),
    ).collect(engine="streaming")  # fmt: skip
    feature_bit = (2 ** pl.col("feature").fill_null(FEATURES).cast(pl.Int64)).cast(pl.Int64)
    words = (
        events.filter(inside)
        .group_by("account", "user_id")
        .agg(word=feature_bit.bitwise_or())
        .collect(engine="streaming")
    )
    users = np.zeros((len(ids), FEATURES), dtype=np.int64)
    account, word = words["account"].to_numpy(), words["word"].to_numpy()
    for feature in range(FEATURES):
        users[:, feature] = np.bincount(account[(word >> feature) & 1 == 1], minlength=len(ids))
    everyone = np.maximum(np.bincount(account, minlength=len(ids)), 1)[:, None]
    use = use.filter(pl.col("feature").is_not_null())
    at = use["account"].to_numpy(), use["feature"].to_numpy()
    uses, recent = use["uses"].to_numpy(), use["recent"].to_numpy()
    days = sum(np.bitwise_count(use[name].fill_null(0).to_numpy()) for name in ("first_word", "second_word"))
    since = np.nan_to_num((end - use["last"].to_numpy()) / DAY, nan=WINDOW_DAYS)
    count, recent_count, trend = measures(uses, recent)
    matrix = wide({
        "count": (*at, count), "recent_count": (*at, recent_count), "active_days": (*at, days / WINDOW_DAYS),
        "recency": (*at, since), "trend": (*at, trend), "ever": (*at, 1),
    }, len(ids))  # fmt: skip
    return np.hstack([matrix, users, users / everyone])


def with_pandas(folder: Path) -> np.ndarray:
    import pandas as pd

    events = pd.read_parquet(folder / "events.parquet", columns=["account_id", "occurred_at", "event_name", "user_id",
                                                                "loaded_at"])  # fmt: skip
    ids = pd.read_parquet(folder / "accounts.parquet", columns=["account_id"])["account_id"]
    end = events["occurred_at"].max().normalize() + pd.Timedelta(days=1)
    events = events[events[["occurred_at", "loaded_at"]].max(axis=1) < end]
    events["account"] = pd.Categorical(events["account_id"], categories=ids).codes
    events["feature"] = pd.Categorical(events["event_name"], [f"event_{n}" for n in range(1, FEATURES + 1)]).codes
    events["user"] = events["user_id"].astype("category").cat.codes
    features = events[events["feature"] >= 0]
    inside = events[events["occurred_at"] >= end - pd.Timedelta(days=WINDOW_DAYS)]
    catalogued = inside[inside["feature"] >= 0]
    keys = ["account", "feature"]
    late = catalogued["occurred_at"] >= end - pd.Timedelta(days=RECENT_DAYS)
    use = catalogued.assign(recent=late).groupby(keys).agg(
        uses=("recent", "size"), recent=("recent", "sum"), last=("occurred_at", "max")
    )  # fmt: skip
    # unique first: nunique sorts every group
    days = catalogued.assign(day=catalogued["occurred_at"].dt.normalize())[[*keys, "day"]].drop_duplicates()
    use["days"] = days.groupby(keys).size()
    use["users"] = catalogued[[*keys, "user"]].drop_duplicates().groupby(keys).size()
    everyone = inside[["account", "user"]].drop_duplicates().groupby("account").size()
    ever = features[keys].drop_duplicates()
    use = use.reset_index()
    at = use["account"].to_numpy(), use["feature"].to_numpy()
    count, recent_count, trend = measures(use["uses"].to_numpy(), use["recent"].to_numpy())
    share = use["users"].to_numpy() / everyone.reindex(use["account"]).to_numpy()
    since = ((end - use["last"]) / pd.Timedelta(days=1)).to_numpy()
    return wide({
        "count": (*at, count), "recent_count": (*at, recent_count), "active_days": (*at, use["days"] / WINDOW_DAYS),
        "users": (*at, use["users"]), "user_share": (*at, share), "recency": (*at, since), "trend": (*at, trend),
        "ever": (ever["account"].to_numpy(), ever["feature"].to_numpy(), 1),
    }, len(ids))  # fmt: skip


def with_featuretools(folder: Path) -> Any:
    import featuretools as ft
    import pandas as pd

    events = pd.read_parquet(folder / "events.parquet", columns=["account_id", "occurred_at", "event_name", "user_id"])
    accounts = pd.read_parquet(folder / "accounts.parquet")
    end = events["occurred_at"].max().normalize() + pd.Timedelta(days=1)
    events["day"] = events["occurred_at"].dt.strftime("%Y-%m-%d")
    entities = ft.EntitySet("product")
    kinds = {"event_name": "Categorical", "user_id": "Categorical", "day": "Categorical", "account_id": "Categorical"}
    entities.add_dataframe(events.reset_index(names="row"), "events", index="row", time_index="occurred_at",
                           logical_types=kinds)  # fmt: skip
    entities.add_dataframe(accounts, "accounts", index="account_id", logical_types={"account_id": "Categorical"})
    entities.add_relationship("accounts", "account_id", "events", "account_id")
    entities.add_interesting_values(
        dataframe_name="events", values={"event_name": [f"event_{n}" for n in range(1, FEATURES + 1)]}
    )

    def over(days: int | None, *primitives: str) -> Any:
        found, _ = ft.dfs(
            entityset=entities, target_dataframe_name="accounts", agg_primitives=list(primitives), trans_primitives=[],
            where_primitives=list(primitives), cutoff_time=end, training_window=f"{days} days" if days else None,
            max_depth=1,
        )  # fmt: skip
        return found

    # one call has one window: a whole one, a recent one, and all history
    window = over(WINDOW_DAYS, "count", "num_unique", "time_since_last")
    recent, ever = over(RECENT_DAYS, "count"), over(None, "count")
    names = [f"COUNT(events WHERE event_name = event_{n})" for n in range(1, FEATURES + 1)]
    trend = measures(window[names].to_numpy(float), recent[names].to_numpy(float))[2]
    users = [f"NUM_UNIQUE(events.user_id WHERE event_name = event_{n})" for n in range(1, FEATURES + 1)]
    share = window[users].to_numpy(float) / window["NUM_UNIQUE(events.user_id)"].to_numpy(float)[:, None]
    return np.hstack([window, recent, ever, trend, share])


def main() -> None:
    case, folder = sys.argv[1], Path(sys.argv[2])
    contestants = {"polars": with_polars, "pandas": with_pandas, "featuretools": with_featuretools}
    library = __import__(case)
    wall, cpu = time.perf_counter(), cpu_seconds()
    found = contestants[case](folder)
    print(json.dumps({
        "cpu": cpu_seconds() - cpu, "wall": time.perf_counter() - wall,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "columns": found.shape[1], "version": library.__version__,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
