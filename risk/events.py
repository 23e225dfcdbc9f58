"""Money that moves without an order: told to the gate over the message bus."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

FUNDING_TOPIC = "events.funding"


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
