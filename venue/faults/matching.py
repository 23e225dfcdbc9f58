"""Which requests and events a fault is about: ``order:BUY``, ``algo:STOP_MARKET``, ``event:TRADE``."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from venue.faults.arguments import FaultError
from venue.wire.hooks import RequestInfo

# Words for the requests of a client, by method and path. "any" is every request.
_GROUPS: dict[str, frozenset[tuple[str, str]]] = {
    "order": frozenset({("POST", "/fapi/v1/order"), ("POST", "/fapi/v1/batchOrders")}),
    "algo": frozenset({("POST", "/fapi/v1/algoOrder")}),
    "amend": frozenset({("PUT", "/fapi/v1/order"), ("PUT", "/fapi/v1/batchOrders")}),
    "cancel": frozenset(
        {
            ("DELETE", "/fapi/v1/order"),
            ("DELETE", "/fapi/v1/batchOrders"),
            ("DELETE", "/fapi/v1/algoOrder"),
        },
    ),
    "cancel_all": frozenset(
        {("DELETE", "/fapi/v1/allOpenOrders"), ("DELETE", "/fapi/v1/algoOpenOrders")},
    ),
    "query": frozenset({("GET", "/fapi/v1/order"), ("GET", "/fapi/v1/algoOrder")}),
    "lists": frozenset(
        {
            ("GET", "/fapi/v1/openOrders"),
            ("GET", "/fapi/v1/openAlgoOrders"),
            ("GET", "/fapi/v1/allOrders"),
        },
    ),
    "account": frozenset(
        {
            ("GET", "/fapi/v2/account"),
            ("GET", "/fapi/v3/account"),
            ("GET", "/fapi/v2/positionRisk"),
            ("GET", "/fapi/v3/positionRisk"),
            ("GET", "/fapi/v2/balance"),
            ("GET", "/fapi/v3/balance"),
        },
    ),
    "listen_key": frozenset(
        {("POST", "/fapi/v1/listenKey"), ("PUT", "/fapi/v1/listenKey")},
    ),
    "exchange_info": frozenset({("GET", "/fapi/v1/exchangeInfo")}),
    "depth": frozenset({("GET", "/fapi/v1/depth")}),
}
REQUESTS: Mapping[str, frozenset[tuple[str, str]]] = MappingProxyType(
    _GROUPS | {"lookup": _GROUPS["query"] | _GROUPS["lists"]},
)
CREATING = REQUESTS["order"] | REQUESTS["algo"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """
    What is hit: a kind of thing, and words that must all be among its values.

    The kinds are those of ``REQUESTS``, ``any`` (every request), ``event`` (user events: words
    are values of the event or of its ``o``), and ``stream`` (market streams: words are parts of
    the name such as ``bookTicker`` or ``btcusdt``).
    """

    kind: str
    words: frozenset[str]

    @classmethod
    def parse(cls, where: str, text: str) -> "Pattern":
        """
        Return the pattern that a text such as ``order:BUY:BTCUSDT`` stands for.

        Raises
        ------
        FaultError
            If the kind is unknown or a word is empty.

        """
        kind, *words = text.split(":")
        known = ("any", "event", "stream", *REQUESTS)
        if kind not in known:
            raise FaultError(
                f"{where}: on is {text!r}, which begins with none of {', '.join(known)}"
            )
        if not all(words):
            raise FaultError(f"{where}: on is {text!r}, with an empty word")
        return cls(kind, frozenset(words))

    @property
    def is_of_requests(self) -> bool:
        return self.kind == "any" or self.kind in REQUESTS

    def fits_request(self, request: RequestInfo) -> bool:
        """Return whether a request is meant; words are values of its parameters."""
        if self.kind != "any" and (request.method, request.path) not in REQUESTS.get(
            self.kind, frozenset()
        ):
            return False
        return self.words <= set(request.params.values())

    def fits_event(self, payload: Mapping[str, Any]) -> bool:
        """Return whether a user event is meant."""
        if self.kind != "event":
            return False
        inner = payload.get("o")
        values = [*payload.values(), *(inner.values() if isinstance(inner, dict) else ())]
        return self.words <= {value for value in values if isinstance(value, str)}

    def fits_stream(self, stream: str) -> bool:
        """Return whether a market stream is meant; words are parts of its name."""
        if self.kind != "stream":
            return False
        return self.words <= set(stream.replace("_", "@").split("@"))
