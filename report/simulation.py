"""Say in plain words where a simulated run is kinder than a venue."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def flattering(profile: Mapping[str, Any]) -> list[str]:
    """
    Return one sentence for each way in which the settings flatter the result.

    Parameters
    ----------
    profile : Mapping[str, Any]
        The resolved profile as JSON. Without a simulation there is nothing to say.

    """
    simulation = profile["simulation"]
    if simulation is None:
        return []
    data = profile["data"]
    types = data["types"] if data else ["quotes"]  # a paper run follows a venue's quotes
    found = [
        "Orders do not move the market: prices are what they were without us, whatever the size.",
        "The venue is always up: no outage, no unanswered order, no auto-deleveraging.",
        f"Every message takes {simulation['latency_ms']} ms; a real venue is slowest when it "
        "matters most.",
        f"A touched limit order fills with probability {simulation['limit_fill_probability']}; "
        "there is no place in a queue.",
        f"A market order slips one tick with probability {simulation['slippage_probability']}; "
        "in a crash it would slip through the book.",
    ]
    if not {"quotes", "trades", "book"} & set(types):
        found.append(
            "Only bars drive the run: the path of the price inside a bar is assumed, and the "
            "spread is zero."
        )
    if not simulation["funding"]:
        found.append("Funding is not settled: long positions in a rising market look too good.")
    if not simulation["liquidation"]:
        found.append("Nobody is liquidated: a position survives what no margin would cover.")
    if Decimal(str(simulation["maker_fee_bps"])) < 0:
        found.append("The maker fee is a rebate, which few accounts get.")
    return found
