"""The settings of the live execution engine that the hardened client relies on."""

from __future__ import annotations

from nautilus_trader.config import LiveExecEngineConfig

NEVER = 1_000_000_000


def live_exec_engine_config(
    *,
    open_check_secs: float = 10.0,
    position_check_secs: float = 30.0,
    startup_delay_secs: float = 10.0,
) -> LiveExecEngineConfig:
    """
    Return the engine's settings.

    Parameters
    ----------
    open_check_secs, position_check_secs : float
        Time between two comparisons with the venue, seconds (> 0). One of orders costs 80 of the
        2,400 request weight a minute, one of positions 5.

    """
    return LiveExecEngineConfig(
        reconciliation=True,
        # The client looks up what is in flight itself; the engine would reject after five tries an
        # order that may live.
        inflight_check_interval_ms=0,
        open_check_interval_secs=open_check_secs,
        # With open orders alone, one that is gone is never noticed.
        open_check_open_only=False,
        # The engine would reject an order that one list does not show, or that cannot be asked
        # for during an outage; the client believes a denial only when it is repeated.
        open_check_missing_retries=NEVER,
        position_check_interval_secs=position_check_secs,
        reconciliation_startup_delay_secs=startup_delay_secs,
        # A fill is counted once; what exceeds an order's quantity is a fault.
        allow_overfills=False,
        filter_unclaimed_external_orders=False,
        # An error in a handler ends the node in order, and not in the middle of a write.
        graceful_shutdown_on_exception=True,
    )
