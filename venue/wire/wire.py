"""What the parts of the transport share, and what can be done to it from outside."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from venue.wire.gate import Gate
from venue.wire.late import Late
from venue.wire.limits import AccountLimit, AddressLimit
from venue.wire.listen_keys import ListenKeys
from venue.wire.market_streams import MarketStreams
from venue.wire.tape import Tape
from venue.wire.user_streams import UserStreams

if TYPE_CHECKING:
    from collections.abc import Callable

    from venue.config import VenueConfig
    from venue.engine.errors import VenueError
    from venue.engine.exchange import Exchange
    from venue.wire.clock import VenueClock
    from venue.wire.hooks import Hooks
    from venue.wire.keys import KeyRing
    from venue.wire.log import WireLog

_LOG = logging.getLogger("venue")


class Wire:
    """
    The state of the transport: streams, limits, keys, clock and log around one exchange.

    The public methods with a verb of harm (drop, expire, refuse, freeze, outage) are the faults
    of a transport; scenarios and the control address call them.

    """

    def __init__(
        self,
        config: VenueConfig,
        exchange: Exchange,
        clock: VenueClock,
        log: WireLog,
        keys: KeyRing,
        hooks: Hooks,
    ) -> None:
        self.config = config
        self.exchange = exchange
        self.clock = clock
        self.log = log
        self.keys = keys
        self.hooks = hooks
        self.gate = Gate()
        self.tape = Tape(log)
        self.listen_keys = ListenKeys(int(config.listen_key_secs * 1_000), config.seed or 0)
        self.user_streams = UserStreams()
        self.market_streams = MarketStreams(
            config.sockets.streams_max, unrouted_all=config.unrouted == "all"
        )
        self.is_out = False
        self.failures: list[Exception] = []
        self._addresses: dict[str, AddressLimit] = {}
        self._accounts: dict[str, AccountLimit] = {}
        self._late = Late(clock.market_ms)
        self._break_connections: Callable[[], None] = lambda: None

    # -- what the parts ask --------------------------------------------------------------------

    def address_limit(self, address: str) -> AddressLimit:
        """Return the weight of one address."""
        if address not in self._addresses:
            self._addresses[address] = AddressLimit(address, self.config.limits)
        return self._addresses[address]

    def forget_uses(self) -> None:
        """Let every address begin a minute that nothing is used of, bans included."""
        self._addresses.clear()

    def account_limit(self, account: str) -> AccountLimit:
        """Return the order counts of one account."""
        if account not in self._accounts:
            self._accounts[account] = AccountLimit(self.config.limits)
        return self._accounts[account]

    def advance(self) -> None:
        """Bring the exchange to the market's time, and deliver what that caused and what is due."""
        if not self.clock.stepped:
            self.exchange.advance(self.clock.market_ms())
        self.hooks.advance(self.clock.market_ms())
        self.settle()
        self._late.run()
        for account, key in self.listen_keys.expire(self.clock.wire_ms()):
            self._end_key(account, key)

    def settle(self, symbol: str | None = None) -> None:
        """Deliver the user events that wait in the exchange; *symbol* is what moved, None for time."""
        events = self.exchange.drain()
        if events:
            self.tape.tell(symbol)
        for account, payload in events:
            deliveries = self.hooks.on_user_event(account, payload)
            line = f"{account} {payload['e']}"
            if deliveries == [(0, payload)] and self._late.is_free(line):
                sent = self.user_streams.publish(account, payload)
                self.log.write("event", account=account, payload=payload, sent=sent)
                continue
            # What happened has one line, at its time; each delivery that a fault made has its own.
            number = self.log.write("event", account=account, payload=payload, sent=False)
            for delay_ms, told in deliveries:
                self._late.put(line, delay_ms, partial(self._deliver, account, told, number))

    def publish(self, stream: str, payload: dict[str, Any]) -> None:
        """Send a market payload, as the faults let it; nothing while the venue hangs."""
        if self.gate.is_shut:
            return
        for delay_ms, sent in self.hooks.on_market(stream, payload):
            self._late.put(stream, delay_ms, partial(self.market_streams.publish, stream, sent))

    def _deliver(self, account: str, payload: dict[str, Any], number: int) -> None:
        sent = self.user_streams.publish(account, payload)
        self.log.write("delivery", account=account, of=number, payload=payload, sent=sent)

    def tell_truth(self) -> None:
        """Write what the exchange holds for each account into the log, and flush it."""
        for account in self.config.accounts:
            body = self.exchange.truth(account.name)
            self.log.write("truth", account=account.name, body=body)
        self.log.flush()

    def note(self, name: str, detail: str = "") -> None:
        """Write into the log that a fault was done."""
        self.log.write("fault", name=name, detail=detail)

    def fail(self, error: Exception) -> None:
        """Keep a defect of the venue itself, for ``Venue.stop`` to raise, and tell it."""
        self.failures.append(error)
        self.note("defect", repr(error))
        _LOG.error("the venue failed", exc_info=error)

    # -- what can be done to the transport -----------------------------------------------------

    @property
    def clock_skew_ms(self) -> int:
        """How far the venue's clock is ahead of the true time."""
        return self.clock.skew_ms

    @clock_skew_ms.setter
    def clock_skew_ms(self, skew_ms: int) -> None:
        self.note("clock_skew", f"{skew_ms} ms")
        self.clock.skew_ms = skew_ms

    def drop_user_streams(self, account: str | None = None) -> int:
        """Break the private connections of *account*, or all; return how many."""
        self.note("drop_user_streams", account or "")
        return self.user_streams.drop(account)

    def drop_market_streams(self) -> int:
        """Break all market data connections; return how many."""
        self.note("drop_market_streams")
        subscribers = list(self.market_streams.subscribers)
        for subscriber in subscribers:
            subscriber.connection.drop("dropped by the venue")
        return len(subscribers)

    def expire_listen_keys(self) -> int:
        """End the life of all listen keys now; return how many."""
        self.note("expire_listen_keys")
        gone = self.listen_keys.expire(self.clock.wire_ms(), everything=True)
        for account, key in gone:
            self._end_key(account, key)
        return len(gone)

    def _end_key(self, account: str, key: str) -> None:
        sent = self.user_streams.end_key(account, key, self.clock.market_ms())
        self.log.write("event", account=account, payload={"e": "listenKeyExpired"}, sent=sent)

    def refuse_listen_keys(self, error: VenueError | None) -> None:
        """Answer every request for a listen key with *error*; None answers again."""
        self.note("refuse_listen_keys", str(error or "over"))
        self.listen_keys.refused = error

    def freeze(self, frozen: bool) -> None:  # noqa: FBT001 - the name of the fault is the question
        """Answer and send nothing, though connections stay; False lets all that waits go on."""
        self.note("freeze", str(frozen))
        self.gate.shut(frozen)

    def outage(self, out: bool) -> None:  # noqa: FBT001 - the name of the fault is the question
        """Break every connection and reset each new one; False takes connections again."""
        self.note("outage", str(out))
        self.is_out = out
        if out:
            self._break_connections()

    def on_outage(self, break_connections: Callable[[], None]) -> None:
        """Name what breaks all connections of the listener."""
        self._break_connections = break_connections
