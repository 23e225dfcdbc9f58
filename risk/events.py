"""Money that moves without an order: told to the gate over the message bus."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

FUNDING_TOPIC = "events.funding"
LIQUIDATION_TOPIC = "events.liquidation"
LIQUIDATION_TAG = "LIQUIDATION"
"""The tag of orders by which the venue closes positions itself."""


class FundingPayment(NamedTuple):
    """
    Funding settled into the account.

    Parameters
    ----------
    instrument_id : str
        The perpetual that the payment is for.
    amount_usdt : Decimal
        Signed, USDT; plus was received, minus was paid.
    ts_event : int
        Settlement time, Unix nanoseconds.

    """

    instrument_id: str
    amount_usdt: Decimal
    ts_event: int


class Liquidation(NamedTuple):
    """
    The venue has closed every position of the account.

    Parameters
    ----------
    instrument_ids : tuple[str, ...]
        What was closed.
    margin_balance_usdt : Decimal
        Wallet balance plus unrealized PnL when the venue stepped in, USDT.
    maintenance_margin_usdt : Decimal
        What was required (> margin_balance_usdt), USDT.
    insurance_usdt : Decimal
        What the insurance fund paid so that the wallet is not negative (>= 0), USDT.
    ts_event : int
        Unix nanoseconds.

    """

    instrument_ids: tuple[str, ...]
    margin_balance_usdt: Decimal
    maintenance_margin_usdt: Decimal
    insurance_usdt: Decimal
    ts_event: int
