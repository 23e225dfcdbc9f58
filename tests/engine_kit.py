"""An exchange for tests: one symbol at 60000, two accounts, and short ways to ask it things."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from venue.api import handle
from venue.engine.errors import VenueError
from venue.engine.exchange import Exchange
from venue.engine.options import Options
from venue.engine.symbols import builtin

if TYPE_CHECKING:
    from collections.abc import Callable

D = Decimal
START_MS = 1_785_000_000_000
FUNDING_MS = START_MS + 3_600_000
BTC = "BTCUSDT"


class Scene:
    """An exchange, and one account's view of it."""

    def __init__(self, *, name: str = "main", exchange: Exchange) -> None:
        self.ex = exchange
        self.name = name

    @property
    def account(self) -> Any:
        return self.ex.account(self.name)

    def ask(self, method: str, path: str, **params: object) -> Any:
        texts = {key: str(value) for key, value in params.items()}
        return handle(self.ex, self.name, method, f"/fapi/v1/{path}", texts)

    def order(self, side: str, qty: object, price: object = None, /, **more: object) -> Any:
        terms: dict[str, object] = {"symbol": BTC, "side": side, "quantity": qty, "type": "MARKET"}
        if price is not None:
            terms |= {"type": "LIMIT", "price": price, "timeInForce": "GTC"}
        return self.ask("POST", "order", **(terms | more))

    def algo(self, side: str, qty: object, trigger: object, /, **more: object) -> Any:
        terms = {
            "symbol": BTC,
            "side": side,
            "type": "STOP_MARKET",
            "algoType": "CONDITIONAL",
            "quantity": qty,
            "triggerPrice": trigger,
            "workingType": "MARK_PRICE",
        }
        terms = {key: value for key, value in (terms | more).items() if value is not None}
        return self.ask("POST", "algoOrder", **terms)

    def amt(self, side: str = "BOTH") -> Decimal:
        return self.account.position(BTC, side).amt

    def quote(self, bid: object, ask: object, qty: object = 10, ask_qty: object = None) -> None:
        sizes = D(str(qty)), D(str(qty if ask_qty is None else ask_qty))
        self.ex.on_quote(BTC, D(str(bid)), sizes[0], D(str(ask)), sizes[1])

    def mark(self, price: object, rate: str = "0.0001") -> None:
        self.ex.on_mark(BTC, D(str(price)), D(str(price)), D(rate), FUNDING_MS)

    def move(self, price: object, qty: object = 10) -> None:
        """Let quote and mark go to a price; the ask is one tick above it."""
        self.quote(price, D(str(price)) + D("0.1"), qty)
        self.mark(price)

    def wait(self, ms: int) -> None:
        self.ex.advance(self.ex.now_ms + ms)

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return this account's events since the last call, of one kind if given."""
        drained = [event for name, event in self.ex.drain() if name == self.name]
        return [event for event in drained if kind in (None, event["e"])]

    def steps(self, client_id: str) -> list[str]:
        """Return what happened to one client id, each as ``x/X/er`` or the algo's status."""
        found = []
        for event in self.events():
            o = event.get("o", {})
            if o.get("c") == client_id:
                found.append(f"{o['x']}/{o['X']}/{o['er']}")
            elif o.get("caid") == client_id:
                found.append(o["X"])
        return found


def scene(
    *,
    wallet: object = 100_000,
    other: object = None,
    options: Options | None = None,
    **account: Any,
) -> Scene:
    """Return a scene at 60000 (bid) and 60000.10 (ask), ten BTC on each side."""
    ex = Exchange(builtin(BTC, "ETHUSDT"), now_ms=START_MS, options=options or Options())
    made = Scene(exchange=ex)
    ex.open_account("main", wallet={"USDT": D(str(wallet))}, **{"leverage": 10, **account})
    if other is not None:
        ex.open_account("other", wallet={"USDT": D(str(other))}, leverage=10)
    made.move(60_000)
    return made


def other_of(made: Scene) -> Scene:
    return Scene(name="other", exchange=made.ex)


def code_of(act: Callable[[], Any]) -> int:
    """Return the code with which the venue refuses."""
    with pytest.raises(VenueError) as refused:
        act()
    return refused.value.code
