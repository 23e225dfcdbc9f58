"""Instruments as the gate needs them: the venue's filters, fees and brackets under known names."""

from __future__ import annotations

from typing import Any

import msgspec
from nautilus_trader.adapters.binance.futures.providers import BinanceFuturesInstrumentProvider
from nautilus_trader.core.nautilus_pyo3 import HttpMethod
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument

FACTS = {
    "market_max_qty": ("MARKET_LOT_SIZE", "maxQty"),
    "percent_price_up": ("PERCENT_PRICE", "multiplierUp"),
    "percent_price_down": ("PERCENT_PRICE", "multiplierDown"),
    "max_num_orders": ("MAX_NUM_ORDERS", "limit"),
}
"""What `risk.translate.filters_of` looks for, and where exchangeInfo has it: filter and field."""
BRACKETS_PATH = "/fapi/v1/leverageBracket"


class FilteredInstrumentProvider(BinanceFuturesInstrumentProvider):  # type: ignore[misc]
    """
    NautilusTrader's provider, with all that the venue says of a symbol in ``info``.

    Beside the raw exchangeInfo entry: ``market_max_qty`` (base units), ``percent_price_up`` and
    ``percent_price_down`` (multiples of the mark price), ``max_num_orders``, and with keys
    ``brackets``: lists of notional cap (USDT), leverage, maintenance margin ratio and cumulative
    maintenance amount (USDT). A symbol that lacks one of the filters is left out with a warning,
    and the gate denies it: what the venue would reject must be known before.

    """

    _brackets: dict[str, list[list[str]]]

    async def load_all_async(self, filters: dict[str, Any] | None = None) -> None:
        """Load every instrument."""
        await self._load_brackets()
        await super().load_all_async(filters)

    async def load_ids_async(
        self, instrument_ids: list[InstrumentId], filters: dict[str, Any] | None = None
    ) -> None:
        """Load these instruments."""
        await self._load_brackets()
        await super().load_ids_async(instrument_ids, filters)

    async def load_async(
        self, instrument_id: InstrumentId, filters: dict[str, Any] | None = None
    ) -> None:
        """Load one instrument."""
        await self._load_brackets()
        await super().load_async(instrument_id, filters)

    async def _load_brackets(self) -> None:
        """Ask for the leverage brackets of all symbols; without keys they stay unknown."""
        self._brackets = {}
        if self._client.api_key is None:
            return
        payload = {"timestamp": str(self._clock.timestamp_ms())}
        raw = await self._client.sign_request(HttpMethod.GET, BRACKETS_PATH, payload)
        for entry in msgspec.json.decode(raw):
            self._brackets[entry["symbol"]] = [
                [str(b[k]) for k in ("notionalCap", "initialLeverage", "maintMarginRatio", "cum")]
                for b in entry["brackets"]
            ]

    def add(self, instrument: Instrument) -> None:
        """Take an instrument, with its facts under the names that the gate knows."""
        info = instrument.info
        filters = {f["filterType"]: f for f in info["filters"]}
        for name, (kind, field) in FACTS.items():
            value = filters.get(kind, {}).get(field)
            if value is None:
                raise ValueError(f"{instrument.id} has no {kind}.{field} in exchangeInfo")
            info[name] = str(value)
        brackets = self._brackets.get(info["symbol"])
        if brackets is not None:
            info["brackets"] = brackets
        super().add(instrument)
