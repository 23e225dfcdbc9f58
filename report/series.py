"""Make long series short enough for a page without losing their extremes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

POINTS_MAX = 3_000
NS_PER_MS = 1_000_000


def extremes_index(*series: np.ndarray, points_max: int = POINTS_MAX) -> np.ndarray:
    """
    Choose which points of parallel series to draw.

    Parameters
    ----------
    *series : np.ndarray
        Series of one length.
    points_max : int
        About how many points to keep.

    Returns
    -------
    np.ndarray
        Ascending indexes: the first and last point and, of each of equally long stretches, where
        each series is lowest and highest. Everything, if there is little.

    """
    count = len(series[0])
    if count <= points_max:
        return np.arange(count)
    stretches = max(1, points_max // (2 * len(series)))
    bounds = np.linspace(0, count, stretches + 1, dtype=np.int64)
    chosen = {0, count - 1}
    for values in series:
        for start, end in pairwise(bounds):
            stretch = values[start:end]
            chosen.add(int(start + np.argmin(stretch)))
            chosen.add(int(start + np.argmax(stretch)))
    return np.array(sorted(chosen), dtype=np.int64)


def evenly(count: int, limit: int) -> np.ndarray:
    """Return at most *limit* evenly spread indexes out of *count*, first and last among them."""
    if count <= limit:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, limit).round().astype(np.int64))


def to_ms(ts_event: np.ndarray) -> list[int]:
    """Return nanoseconds as whole milliseconds, which is what a browser's clock counts."""
    whole_ms: list[int] = (np.asarray(ts_event, dtype=np.int64) // NS_PER_MS).tolist()
    return whole_ms


def to_numbers(values: np.ndarray, digits: int = 9) -> list[Any]:
    """Return *values* with *digits* significant digits, and None for what is not finite."""
    return [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in values.tolist()]
