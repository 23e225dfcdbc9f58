"""How figures that vary are told: the middle, the 99th percentile, and the worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return p50 and p99 (linear between neighbors) and the worst, rounded to tenths."""
    p50, p99 = np.percentile(values, [50, 99])
    return {"p50": round(p50, 1), "p99": round(p99, 1), "worst": round(max(values), 1)}


def cell(row: Mapping[str, float]) -> str:
    """Return a spread as ``p50/p99/worst`` in whole units."""
    return "/".join(f"{row[name]:.0f}" for name in ("p50", "p99", "worst"))
