"""
Enforced risk control: `install_guard` puts the gate into any NautilusTrader kernel.

The names that need NautilusTrader are imported on first use, so that the core (judge, rules,
limits) can run where NautilusTrader is not installed (ADR 0002).
"""

from __future__ import annotations

import importlib
from typing import Any

from risk.limits import RiskLimits

__all__ = ["Guard", "GuardError", "RiskLimits", "assert_guarded", "install_guard"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("risk.install"), name)
    raise AttributeError(f"module 'risk' has no attribute {name!r}")
