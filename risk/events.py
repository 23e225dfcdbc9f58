"""What happens at the venue without an order of ours: told to the gate over the message bus."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from risk.trading_state import TradingState

FUNDING_TOPIC = "events.funding"
LIQUIDATION_TOPIC = "events.liquidation"
LIQUIDATION_TAG = "LIQUIDATION"
"""The tag of orders by which the venue closes positions itself."""
VENUE_TOPIC = "events.venue"


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


class Reaction(Enum):
    """What a venue event does to trading; whatever it does, it is written down."""

    ALARM = "ALARM"
    """Told to a person, and nothing more."""
    HOLD = "HOLD"
    """New risk waits, until a moment that the event names or until it is lifted; not latched."""
    LIFT = "LIFT"
    """Ends the hold of the kind that it answers."""
    REDUCING = "REDUCING"
    HALTED = "HALTED"
    """Both latched: a person resumes."""

    @property
    def trips(self) -> TradingState | None:
        """Return the trading state that it trips, if any."""
        return TradingState.__members__.get(self.name)


class VenueEventKind(Enum):
    """
    The kinds of venue events: the policy of the guard.

    A kind that a rate limit or a lost stream explains holds new risk back while it lasts; one that
    touches the account, its limits or its money trips, and a person looks.

    """

    RATE_LIMITED = ("RATE_LIMITED", Reaction.HOLD)
    BANNED = ("BANNED", Reaction.REDUCING)
    USER_STREAM_LOST = ("USER_STREAM_LOST", Reaction.HOLD)
    USER_STREAM_BACK = ("USER_STREAM_BACK", Reaction.LIFT)
    REDIS_LOST = ("REDIS_LOST", Reaction.HOLD)
    REDIS_BACK = ("REDIS_BACK", Reaction.LIFT)
    """The kill switch over Redis, where the profile says that losing it holds new risk back."""
    FEED_SILENT = ("FEED_SILENT", Reaction.ALARM)
    FEED_LOST = ("FEED_LOST", Reaction.REDUCING)
    FEED_BACK = ("FEED_BACK", Reaction.ALARM)
    BOOK_RESYNCED = ("BOOK_RESYNCED", Reaction.ALARM)
    CLOCK_OFFSET = ("CLOCK_OFFSET", Reaction.REDUCING)
    ORDER_UNRESOLVED = ("ORDER_UNRESOLVED", Reaction.ALARM)
    MARGIN_CALL = ("MARGIN_CALL", Reaction.REDUCING)
    TRANSFER = ("TRANSFER", Reaction.ALARM)
    KEY_REFUSED = ("KEY_REFUSED", Reaction.HALTED)
    """Nothing that is sent is carried out any more; what rests at the venue stays there."""
    CONFIG_CHANGED = ("CONFIG_CHANGED", Reaction.HALTED)
    LIQUIDATED = ("LIQUIDATED", Reaction.HALTED)
    ADL = ("ADL", Reaction.REDUCING)
    FOREIGN_ORDER = ("FOREIGN_ORDER", Reaction.REDUCING)
    POSITION_MISMATCH = ("POSITION_MISMATCH", Reaction.HALTED)
    UNREADABLE = ("UNREADABLE", Reaction.ALARM)
    UNAPPROVED_REQUEST = ("UNAPPROVED_REQUEST", Reaction.HALTED)
    UNAPPROVED_ORDER = ("UNAPPROVED_ORDER", Reaction.HALTED)
    """At the venue, under an id like ours, and no gate here or in an earlier life has approved it."""
    KILLED_DIRECT = ("KILLED_DIRECT", Reaction.HALTED)
    """A kill from outside this node trades on its account."""
    COUNTDOWN_FIRED = ("COUNTDOWN_FIRED", Reaction.ALARM)
    """The venue's dead man's switch may have canceled orders: whoever keeps stops looks at once."""

    def __init__(self, code: str, reaction: Reaction) -> None:
        self.code = code
        self.reaction = reaction


class VenueEvent(NamedTuple):
    """
    Something that the venue, or the way to it, did without being asked.

    Parameters
    ----------
    kind : VenueEventKind
        What it was; decides what it trips.
    observed, limit : str
        What was seen, and what was expected or allowed.
    ts_event : int
        Unix nanoseconds.
    until_ns : int, optional
        When a hold ends by itself, Unix nanoseconds; None: when it is lifted.
    instrument_id, client_order_id : str
        The order that it is about, if it is about one.

    """

    kind: VenueEventKind
    observed: str
    limit: str
    ts_event: int
    until_ns: int | None = None
    instrument_id: str = ""
    client_order_id: str = ""

    @property
    def text(self) -> str:
        """Return ``KIND: observed=..., limit=...``."""
        return f"{self.kind.code}: observed={self.observed}, limit={self.limit}"


def publish_venue_event(msgbus: Any, event: VenueEvent) -> None:
    """Tell everybody who listens, the gate's books before all others."""
    msgbus.publish(VENUE_TOPIC, event)
