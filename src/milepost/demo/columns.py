"""From arrays of numbers to the columns of the contract: ids, times and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NEVER = int(np.iinfo(np.int64).min)  # what numpy and pandas take for "no time"


def numbered(prefix: str, numbers: NDArray[Any], digits: int) -> Any:
    """Ids such as "acc-00012" as a pyarrow array of text."""
    text = pc.utf8_lpad(pc.cast(pa.array(np.asarray(numbers, np.int64)), pa.string()), width=digits, padding="0")
    return pc.binary_join_element_wise(pa.scalar(prefix), text, pa.scalar(""))


def account_ids(accounts: NDArray[Any]) -> pd.Series[str]:
    """Account ids of account numbers counted from 0: "acc-00001" is the first."""
    return texts(numbered("acc-", np.asarray(accounts) + 1, 5))


def texts(array: Any) -> pd.Series[str]:
    """A pyarrow array of text as pandas text."""
    return pd.Series(array.to_pandas()).astype("str")


def times(microseconds: NDArray[np.int64]) -> pd.Series[pd.Timestamp]:
    """Microseconds since 1970 as times, UTC without a zone; NEVER becomes null."""
    return pd.Series(np.asarray(microseconds, np.int64).view("datetime64[us]"))


def choose(words: Sequence[str], codes: NDArray[Any], empty_is_null: bool = False) -> pd.Series[str]:
    """The words at places; with `empty_is_null` the empty word is null."""
    values = np.array([None if empty_is_null and not word else word for word in words], dtype=object)
    return pd.Series(values[np.asarray(codes)]).astype("str")
