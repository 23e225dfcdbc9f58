"""The venue's own dead man's switch: a countdown that cancels a symbol's orders unless it is renewed."""

from __future__ import annotations

import msgspec
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.core.nautilus_pyo3 import HttpMethod
from nautilus_trader.model.identifiers import InstrumentId

from adapters.last_hop import COUNTDOWN_PATH
from adapters.sync import symbol_of


class CountdownError(RuntimeError):
    """The venue answered, and not that the countdown runs as it was asked to."""


class Countdown:
    """
    Arms and disarms the countdown of a symbol (Binance: Auto-Cancel All Open Orders, weight 10).

    Each call replaces the symbol's timer. It fires once, cancels the symbol's open orders and
    closes no position; whether it takes conditional orders too is not documented.

    Parameters
    ----------
    http : BinanceHttpClient
        Signs and sends.
    recv_window_ms : int
        Age at which the venue refuses a request, milliseconds.

    """

    def __init__(self, http: BinanceHttpClient, *, recv_window_ms: int) -> None:
        self._http = http
        self._recv_window = str(recv_window_ms)

    async def arm(self, instrument_id: str, countdown_ms: int) -> None:
        """
        Let the countdown of a symbol run from now, or not at all with 0.

        Raises
        ------
        CountdownError
            If the answer is another than what was asked for.
        BinanceError, HttpError, HttpTimeoutError
            If it was refused, or nobody knows.

        """
        symbol = symbol_of(InstrumentId.from_str(instrument_id))
        asked = {"symbol": symbol, "countdownTime": str(countdown_ms)}
        raw = await self._http.sign_request(
            HttpMethod.POST, COUNTDOWN_PATH, payload=asked | {"recvWindow": self._recv_window}
        )
        told = msgspec.json.decode(raw)
        if not isinstance(told, dict) or {k: str(told.get(k)) for k in asked} != asked:
            raise CountdownError(f"the venue answered {told!r} to {asked}")
