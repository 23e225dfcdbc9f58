"""How figures that vary are told: the middle, the 99th percentile, and the worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def spread(values: Sequence[float], digits: int = 1) -> dict[str, float]:
    """Return p50 and p99 (linear between neighbors) and the worst, rounded to *digits* decimals."""
    p50, p99 = np.percentile(values, [50, 99])
    return {
        "p50": round(float(p50), digits), "p99": round(float(p99), digits),
        "worst": round(max(values), digits),
    }  # fmt: skip


def cell(row: Mapping[str, float]) -> str:
    """Return a spread as ``p50/p99/worst`` in whole units."""
    return "/".join(f"{row[name]:.0f}" for name in ("p50", "p99", "worst"))
