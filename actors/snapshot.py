"""What a running node looks like at one moment: frozen, plain values, ready for JSON."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Stop(msgspec.Struct, frozen=True):
    """
    A protective stop.

    ``status`` is that of `OrderLine`; ``distance_bps`` is how far the price still has to go to the
    trigger, negative when it is past it, None without a price; ``age_sec`` counts from the venue's
    acceptance, None before it.

    """

    client_order_id: str
    status: str
    trigger_price: Decimal | None
    distance_bps: float | None
    cover_qty: Decimal
    age_sec: float | None


class PositionLine(msgspec.Struct, frozen=True):
    """
    A position by the gate's books, with what protects it.

    ``signed_qty`` is base units, plus for long; ``price`` is what the gate values it at, and
    ``unrealized_usdt`` its PnL there, both None when no price is known; ``covered_qty`` is what
    stops that the venue has accepted protect, at most the position; ``unprotected_sec`` is for how
    long that has been less than the position, zero when it is covered; ``cached_qty`` is the same
    position by the engine's cache, which the venue's reports keep.

    """

    instrument_id: str
    signed_qty: Decimal
    entry_px: Decimal
    price: Decimal | None
    mark_px: Decimal | None
    unrealized_usdt: Decimal | None
    stops: tuple[Stop, ...]
    covered_qty: Decimal
    unprotected_sec: float
    cached_qty: Decimal
    unprotected_ms: int | None = None
    longest_ms: int | None = None

    @property
    def is_covered(self) -> bool:
        """Return whether accepted stops protect all of it."""
        return self.covered_qty >= abs(self.signed_qty)


class OrderLine(msgspec.Struct, frozen=True):
    """
    An order that may still fill.

    ``status`` is one of HELD (approved, kept back until its entry fills), IN_FLIGHT (sent, not
    answered), WORKING, AMENDING, CANCELING, UNRESOLVED (nobody knows yet what became of it), or
    LOST (the gate counts it, the engine knows of nothing open).

    """

    client_order_id: str
    instrument_id: str
    strategy_id: str
    side: str
    order_type: str
    status: str
    leaves_qty: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    is_reduce_only: bool
    age_sec: float | None


class Use(msgspec.Struct, frozen=True):
    """
    How much of a limit is used.

    ``key`` is the limit's name in the profile; ``observed`` and ``share`` are None when they cannot
    be known.

    """

    key: str
    limit: Decimal
    observed: Decimal | None
    instrument_id: str | None = None

    @property
    def share(self) -> float | None:
        """Return ``observed / limit``."""
        return None if self.observed is None else float(self.observed / self.limit)


class BreakerLine(msgspec.Struct, frozen=True):
    """
    A breaker: what it sees now, what it allows, and the closest that the run has come to it.

    ``observed`` and ``closest`` are None when they are not known; ``is_tripped`` holds until a person
    resumes.

    """

    key: str
    limit: Decimal
    observed: Decimal | None
    closest: Decimal | None
    is_tripped: bool


class DenialLine(msgspec.Struct, frozen=True):
    """A request that the gate denied."""

    ts_ns: int
    reason: str
    observed: str
    limit: str
    instrument_id: str
    strategy_id: str
    command: str


class ClientHealth(msgspec.Struct, frozen=True):
    """Whether a client of the node is connected; ``kind`` is ``data`` or ``exec``."""

    name: str
    kind: str
    is_connected: bool


class FeedHealth(msgspec.Struct, frozen=True):
    """Age of a symbol's newest quote by the venue's stamp; None: there is none."""

    instrument_id: str
    age_ms: int | None
    age_ms_max: int

    @property
    def is_fresh(self) -> bool:
        """Return whether the gate would take new risk on a price of this age."""
        return self.age_ms is not None and abs(self.age_ms) <= self.age_ms_max


class VenueNote(msgspec.Struct, frozen=True):
    """What the venue, or the way to it, told the gate."""

    ts_ns: int
    kind: str
    observed: str
    limit: str

    @property
    def text(self) -> str:
        """Return ``KIND: observed=..., limit=...``."""
        return f"{self.kind}: observed={self.observed}, limit={self.limit}"


class Health(msgspec.Struct, frozen=True):
    """
    The venue and the way to it; what nobody measures is None and shown as unknown, never as fine.

    ``clock_offset_ms`` is the venue's clock minus ours; ``used_weight`` and ``order_counts`` are
    ``(used, limit)`` by window, as the venue's own headers told them last; ``refused_until_ns`` is
    until when it hears nothing from us (429), or nobody here (418, ``is_banned``), 0 when it does.

    """

    clients: tuple[ClientHealth, ...]
    feeds: tuple[FeedHealth, ...]
    is_user_stream_up: bool | None = None
    clock_offset_ms: float | None = None
    used_weight: tuple[int, int] | None = None
    order_counts: dict[str, tuple[int, int]] | None = None
    refused_until_ns: int = 0
    is_banned: bool = False
    events: tuple[VenueNote, ...] = ()


class KillLine(msgspec.Struct, frozen=True):
    """
    An open kill, and how far the node has come with it.

    Times are Unix nanoseconds: ``ts_ns`` when it was taken note of, ``entries_ns`` when no entry in
    its scope worked any more, ``flat_ns`` when the venue had shown, without a position in the scope
    and after the last stop was canceled, that nothing is open; None: not (or no longer) so.
    ``left`` is what is still open, as it was seen last.

    """

    level: str
    scope: str
    by: str
    reason: str
    source: str
    ts_ns: int
    entries_ns: int | None = None
    flat_ns: int | None = None
    left: tuple[str, ...] = ()

    @property
    def done_ns(self) -> int | None:
        """Return when all that its level asks for was done, None while it is not."""
        return self.flat_ns if self.level == "FLATTEN" else self.entries_ns


class ProtectionLine(msgspec.Struct, frozen=True):
    """
    What the position monitor has measured in this run.

    ``unprotected_ms`` is the time that positions were without their full stop, in all, and
    ``longest_ms`` the longest of it at once, milliseconds; ``mends`` counts what was sent for them.

    """

    positions: int
    unprotected_ms: int
    longest_ms: int
    mends: int


class Snapshot(msgspec.Struct, frozen=True):
    """
    A running node at ``ts_ns`` (Unix nanoseconds); money in USDT, by the gate's books.

    ``hold`` is what keeps new risk back for now and passes by itself, None when nothing does;
    ``kills`` are the open pulls of the kill switch, ``open_causes`` what stands in the way of a
    resume; ``protection`` is None where no position monitor runs; ``error`` says why the newest
    snapshot could not be taken; all else is then that of the last one.

    """

    ts_ns: int
    started_ns: int
    name: str
    mode: str
    trader_id: str
    venue: str
    state: str
    causes: tuple[str, ...]
    since_ns: int
    balance_usdt: Decimal | None
    equity_usdt: Decimal | None
    positions: tuple[PositionLine, ...]
    orders: tuple[OrderLine, ...]
    exposure: tuple[Use, ...]
    rates: tuple[Use, ...]
    losses: tuple[Use, ...]
    denials: tuple[DenialLine, ...]
    denials_total: int
    health: Health
    journal_records: int
    hold: str | None = None
    journal_error: str | None = None
    kills: tuple[KillLine, ...] = ()
    open_causes: tuple[str, ...] = ()
    protection: ProtectionLine | None = None
    error: str | None = None
    breakers: tuple[BreakerLine, ...] = ()
