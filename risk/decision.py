"""What the gate answers: nothing (approved) or a denial that carries its evidence."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import Enum
from typing import NamedTuple


class DenyReason(Enum):
    """Why an order was denied: the code in the denial text and the number of its control."""

    GATE_ERROR = ("GATE_ERROR", 1)
    COMMAND_UNSUPPORTED = ("COMMAND_UNSUPPORTED", 1)
    APPROVAL_MISSING = ("APPROVAL_MISSING", 1)
    ORDER_UNKNOWN = ("ORDER_UNKNOWN", 1)
    ORDER_HELD = ("ORDER_HELD", 1)
    ORDER_IDENTITY_MISMATCH = ("ORDER_IDENTITY_MISMATCH", 1)
    SYMBOL_NOT_ALLOWED = ("SYMBOL_NOT_ALLOWED", 2)
    SIDE_NOT_ALLOWED = ("SIDE_NOT_ALLOWED", 2)
    ORDER_TYPE_NOT_ALLOWED = ("ORDER_TYPE_NOT_ALLOWED", 2)
    ORDER_PARAMS_NOT_ALLOWED = ("ORDER_PARAMS_NOT_ALLOWED", 2)
    EMULATED_ENTRY_NOT_ALLOWED = ("EMULATED_ENTRY_NOT_ALLOWED", 2)
    QUANTITY_EXCEEDS_MAX_PER_ORDER = ("QUANTITY_EXCEEDS_MAX_PER_ORDER", 3)
    QUOTE_QUANTITY_NOT_ALLOWED = ("QUOTE_QUANTITY_NOT_ALLOWED", 4)
    SETTLEMENT_CURRENCY_NOT_ALLOWED = ("SETTLEMENT_CURRENCY_NOT_ALLOWED", 4)
    NOTIONAL_EXCEEDS_MAX_PER_ORDER = ("NOTIONAL_EXCEEDS_MAX_PER_ORDER", 4)
    NOTIONAL_EXCEEDS_MAX_PER_LIST = ("NOTIONAL_EXCEEDS_MAX_PER_LIST", 4)
    INSTRUMENT_UNKNOWN = ("INSTRUMENT_UNKNOWN", 5)
    PRICE_OFF_TICK = ("PRICE_OFF_TICK", 5)
    QUANTITY_OFF_STEP = ("QUANTITY_OFF_STEP", 5)
    QUANTITY_BELOW_MIN = ("QUANTITY_BELOW_MIN", 5)
    QUANTITY_EXCEEDS_VENUE_MAX = ("QUANTITY_EXCEEDS_VENUE_MAX", 5)
    NOTIONAL_BELOW_MIN = ("NOTIONAL_BELOW_MIN", 5)
    PRICE_OUTSIDE_VENUE_BAND = ("PRICE_OUTSIDE_VENUE_BAND", 5)
    OPEN_ORDERS_EXCEED_VENUE_MAX = ("OPEN_ORDERS_EXCEED_VENUE_MAX", 5)
    PRICE_OUTSIDE_COLLAR = ("PRICE_OUTSIDE_COLLAR", 6)
    SLIPPAGE_EXCEEDS_MAX = ("SLIPPAGE_EXCEEDS_MAX", 6)
    POSITION_EXCEEDS_MAX = ("POSITION_EXCEEDS_MAX", 8)
    GROSS_EXPOSURE_EXCEEDS_MAX = ("GROSS_EXPOSURE_EXCEEDS_MAX", 9)
    NET_EXPOSURE_EXCEEDS_MAX = ("NET_EXPOSURE_EXCEEDS_MAX", 9)
    LEVERAGE_EXCEEDS_MAX = ("LEVERAGE_EXCEEDS_MAX", 9)
    EQUITY_MISSING = ("EQUITY_MISSING", 9)
    MESSAGE_RATE_EXCEEDS_MAX = ("MESSAGE_RATE_EXCEEDS_MAX", 12)
    VENUE_RATE_LIMITED = ("VENUE_RATE_LIMITED", 12)
    REPEATED_EXECUTION = ("REPEATED_EXECUTION", 13)
    ORDER_ID_DUPLICATE = ("ORDER_ID_DUPLICATE", 14)
    SELF_MATCH = ("SELF_MATCH", 15)
    PRICE_MISSING = ("PRICE_MISSING", 16)
    PRICE_STALE = ("PRICE_STALE", 16)
    PRICE_CROSSED = ("PRICE_CROSSED", 16)
    SPREAD_EXCEEDS_MAX = ("SPREAD_EXCEEDS_MAX", 16)
    MARK_DIVERGENCE_EXCEEDS_MAX = ("MARK_DIVERGENCE_EXCEEDS_MAX", 16)
    STOP_LOSS_REQUIRED = ("STOP_LOSS_REQUIRED", 18)
    STOP_LOSS_WRONG_SIDE = ("STOP_LOSS_WRONG_SIDE", 18)
    STOP_LOSS_TOO_FAR = ("STOP_LOSS_TOO_FAR", 18)
    STOP_LOSS_LOOSENED = ("STOP_LOSS_LOOSENED", 18)
    STOP_LOSS_NOT_LINKED = ("STOP_LOSS_NOT_LINKED", 18)
    STOP_LOSS_LINK_NOT_ALLOWED = ("STOP_LOSS_LINK_NOT_ALLOWED", 18)
    POSITION_FLIP = ("POSITION_FLIP", 19)
    REDUCE_ONLY_EXCEEDS_POSITION = ("REDUCE_ONLY_EXCEEDS_POSITION", 19)
    EXIT_ALREADY_IN_FLIGHT = ("EXIT_ALREADY_IN_FLIGHT", 19)
    USER_STREAM_LOST = ("USER_STREAM_LOST", 16)
    REDIS_LOST = ("REDIS_LOST", 23)
    TRADING_REDUCING = ("TRADING_REDUCING", 23)
    TRADING_HALTED = ("TRADING_HALTED", 23)
    JOURNAL_UNAVAILABLE = ("JOURNAL_UNAVAILABLE", 31)

    def __init__(self, code: str, control: int) -> None:
        self.code = code
        self.control = control


class Denial(NamedTuple):
    """
    A refusal with what was seen and what was allowed.

    Parameters
    ----------
    reason : DenyReason
        The rule that was broken.
    observed : object
        What was seen, in the unit of the limit.
    limit : object
        What was allowed.

    """

    reason: DenyReason
    observed: object
    limit: object

    @property
    def text(self) -> str:
        """Return ``CATEGORY_CONDITION: observed=..., limit=...``."""
        return f"{self.reason.code}: observed={plain(self.observed)}, limit={plain(self.limit)}"


OWN_WORDS = frozenset(
    {"AMENDMENT_OVERTAKEN", "APPROVAL_LAPSED", "UNRESOLVED_NOT_DONE", "UNRESOLVED_NOT_FOUND"}
)
"""With what the adapter ends a request itself."""
_WORDS = re.compile(r"\b([A-Z]+(?:_[A-Z]+)+)(?=:)")


def is_denial(text: str) -> bool:
    """Return whether a reason was given by us, so that the venue has not spoken yet."""
    return text.split(":", 1)[0] in DenyReason.__members__


def is_told_by_us(text: str) -> bool:
    """Return whether a reason for a rejection is ours, wherever in the text it stands."""
    return any(word in OWN_WORDS or word in DenyReason.__members__ for word in _WORDS.findall(text))


def plain(value: object) -> str:
    """Return *value* for a person: a Decimal without exponent and with at most 8 decimals."""
    if not isinstance(value, Decimal):
        return str(value)
    if not value.is_finite():
        return str(value)
    text = f"{value:.8f}".rstrip("0").rstrip(".")
    return text if text not in ("-0", "") else "0"
