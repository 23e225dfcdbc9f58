"""A venue without sockets, with a book of faults bound to it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from venue.api import handle
from venue.config import AccountConfig, VenueConfig
from venue.engine.exchange import Exchange
from venue.engine.symbols import builtin
from venue.faults.book import FaultBook
from venue.faults.fault import Stage
from venue.market.market import Market
from venue.still import StillMarket
from venue.wire.clock import VenueClock
from venue.wire.hooks import Reaction, RequestInfo
from venue.wire.keys import KeyRing
from venue.wire.log import WireLog
from venue.wire.wire import Wire

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "newClientOrderId": "q-1"}
PRICE = Decimal(64_000)


@dataclass
class Scene:
    """The wire of a venue, and the faults that reach into it; time is what ``advance`` says."""

    wire: Wire
    book: FaultBook

    def order(
        self,
        method: str = "POST",
        path: str = "/fapi/v1/order",
        account: str = "main",
        **params: str,
    ) -> Reaction | None:
        """Return what the faults make of a request."""
        return self.book.on_request(RequestInfo(account, method, path, BUY | params))

    def do(self, method: str, path: str, **params: str) -> Any:
        """Let the exchange carry a request of the account out, past the faults."""
        return handle(self.wire.exchange, "main", method, path, params)

    def trade_at(self, price: Decimal = PRICE) -> None:
        """Show a market about a price."""
        exchange = self.wire.exchange
        exchange.on_mark("BTCUSDT", price, price, Decimal(0), 2**50)
        exchange.on_quote("BTCUSDT", price - 1, Decimal(50), price, Decimal(50))
        exchange.on_trade("BTCUSDT", price, Decimal("0.001"), False)

    def hold(self) -> None:
        """Buy 0.5 BTC with a stop at 60000 under the id sl-1."""
        self.trade_at()
        self.do("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET",
                quantity="0.5")  # fmt: skip
        self.do("POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT",
                side="SELL", type="STOP_MARKET", quantity="0.5", triggerPrice="60000",
                reduceOnly="true", clientAlgoId="sl-1")  # fmt: skip
        self.wire.exchange.drain()

    def fault(self, name: str, now_ms: int = 0, **entry: Any) -> list[dict[str, Any]]:
        """Do a fault now; return the events that it causes."""
        self.book.add(name, entry)
        self.book.advance(now_ms)
        return [payload for _, payload in self.wire.exchange.drain()]

    def truth(self) -> dict[str, Any]:
        return self.wire.exchange.truth("main")

    def notes(self) -> list[tuple[str, str]]:
        """Return the faults that the log tells, with their details."""
        lines = self.wire.log.tail(1_000)
        return [(line["name"], line["detail"]) for line in lines if line["kind"] == "fault"]


def bound(book: FaultBook, now_ms: int = 0) -> Scene:
    """Return a venue of two symbols and one account, at a time, with the book bound to it."""
    accounts = (AccountConfig(name="main"),)
    config = VenueConfig(
        market="still", symbols=("BTCUSDT", "ETHUSDT"), seed=1, speed=0, accounts=accounts
    )
    market = Market(StillMarket(builtin(*config.symbols), start_ms=0))
    exchange = Exchange(market.symbols, now_ms=now_ms, seed=1)
    exchange.open_account("main", wallet={"USDT": Decimal(100_000)}, leverage=5)
    clock = VenueClock(0)
    log = WireLog(None, clock.market_ms)
    wire = Wire(config, exchange, clock, log, KeyRing(["main"], 1), book)
    book.bind(Stage(wire, exchange, market), now_ms)
    return Scene(wire, book)
