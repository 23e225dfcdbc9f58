"""
Enforced risk control: `install_guard` puts the gate into any NautilusTrader kernel.

All names are imported on first use: the core (judge, rules, limits) runs where NautilusTrader is not
installed (ADR 0002), and a kill from outside starts without what it does not need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from risk.limits import RiskLimits

__all__ = ["Guard", "GuardError", "RiskLimits", "assert_guarded", "install_guard"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        home = "risk.limits" if name == "RiskLimits" else "risk.install"
        return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module 'risk' has no attribute {name!r}")
