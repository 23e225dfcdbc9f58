"""How the account is set at the venue, asked for as plain facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.core.nautilus_pyo3 import HttpMethod
from nautilus_trader.model.identifiers import InstrumentId

from adapters.sync import symbol_of

ACCOUNT_KEYS = ("canTrade", "dualSidePosition", "multiAssetsMargin")
SYMBOL_KEYS = ("marginType", "leverage")


class AccountConfig:
    """
    Asks how the account and some symbols are set; weight 10 (Binance: Account Config, Symbol Config).

    Parameters
    ----------
    http : BinanceHttpClient
        Signs and sends.
    instrument_ids : Iterable[str]
        The symbols that matter.
    recv_window_ms : int
        Age at which the venue refuses a request, milliseconds.

    """

    def __init__(
        self, http: BinanceHttpClient, instrument_ids: Iterable[str], *, recv_window_ms: int
    ) -> None:
        self._http = http
        self._symbols = [symbol_of(InstrumentId.from_str(key)) for key in instrument_ids]
        self._recv_window = str(recv_window_ms)

    def expected(self, *, margin_type: str, leverage: int) -> dict[str, Any]:
        """Return what pre-flight asks for, in the form of `ask`: one-way, single-asset, may trade."""
        account = {"canTrade": True, "dualSidePosition": False, "multiAssetsMargin": False}
        return account | {
            f"{symbol} {key}": value
            for symbol in self._symbols
            for key, value in zip(SYMBOL_KEYS, (margin_type, leverage), strict=True)
        }

    async def ask(self) -> dict[str, Any]:
        """
        Return each setting by its name at the venue, None where the answer does not have it.

        Raises
        ------
        BinanceError, HttpError, HttpTimeoutError, msgspec.DecodeError, TypeError, KeyError
            If there is no answer that can be read.

        """
        account = await self._get("/fapi/v1/accountConfig")
        rows = {row["symbol"]: row for row in await self._get("/fapi/v1/symbolConfig")}
        told = {key: account.get(key) for key in ACCOUNT_KEYS}
        return told | {
            f"{symbol} {key}": rows.get(symbol, {}).get(key)
            for symbol in self._symbols
            for key in SYMBOL_KEYS
        }

    async def _get(self, path: str) -> Any:
        payload = {"recvWindow": self._recv_window}
        return msgspec.json.decode(
            await self._http.sign_request(HttpMethod.GET, path, payload=payload)
        )
