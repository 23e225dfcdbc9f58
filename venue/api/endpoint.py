"""What an endpoint is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from venue.api.params import Params
from venue.engine.accounts import Account
from venue.engine.exchange import Exchange

type Weight = Callable[[Mapping[str, str]], int]
type Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    One method and path.

    Attributes
    ----------
    handler : Callable
        Takes the exchange, the account (private ones only) and the parameters.
    security : str
        NONE, MARKET_DATA, USER_STREAM, TRADE or USER_DATA.
    weight : Callable
        From the parameters to the IP weight.
    order_cost : tuple of int
        What it counts against the ORDERS limits of 10 s and 1 m.

    """

    handler: Handler
    security: str
    weight: Weight
    order_cost: tuple[int, int] = (0, 0)

    @property
    def is_private(self) -> bool:
        return self.security in ("TRADE", "USER_DATA")

    def run(self, exchange: Exchange, account: Account | None, params: Mapping[str, str]) -> Any:
        """Answer a request."""
        if self.is_private:
            return self.handler(exchange, account, Params(params))
        return self.handler(exchange, Params(params))


def weighs(weight: int) -> Weight:
    """Return a weight that is the same for all parameters."""
    return lambda _: weight


def with_symbol(one: int, every: int) -> Weight:
    """Return a weight that is lower when a symbol is given."""
    return lambda params: one if params.get("symbol") else every
