"""The strategies on bars, with their shipped parameters, over real months."""

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from strategies.donchian import DonchianBreakout, DonchianBreakoutConfig
from strategies.ema_cross import EmaCross, EmaCrossConfig

BTC = TestInstrumentProvider.btcusdt_perp_binance()
MINUTE_NS = 60_000_000_000


def read_bars(folder: Path) -> list[Bar]:
    path = folder / "um_klines_freqtrade/20250504-20250603/BTC_USDT_USDT-1m-futures.feather"
    table = pd.read_feather(path)
    bar_type = BarType.from_str(f"{BTC.id}-1-MINUTE-LAST-EXTERNAL")
    close_ns = table["date"].astype("int64") + MINUTE_NS
    prices = (table[name].map(BTC.make_price) for name in ("open", "high", "low", "close"))
    volumes = table["volume"].map(BTC.make_qty)
    rows = zip(*prices, volumes, close_ns, strict=True)
    return [Bar(bar_type, *row[:5], row[5], row[5]) for row in rows]


@pytest.mark.parametrize(
    ("strategy", "config"), [(EmaCross, EmaCrossConfig), (DonchianBreakout, DonchianBreakoutConfig)]
)
def test_a_real_month_is_traded_and_every_opening_fill_is_covered(
    market, shared_data, strategy, config
):
    made = strategy(
        config(
            instrument_id=InstrumentId.from_str("BTCUSDT-PERP.BINANCE"),
            trade_risk_usdt=Decimal(40),
            trade_notional_usdt_max=Decimal(7_500),
        ),
    )

    market.run(made, read_bars(shared_data))

    notionals = [
        fill.last_qty.as_decimal() * fill.last_px.as_decimal()
        for fill in market.events
        if type(fill).__name__ == "OrderFilled"
    ]
    assert market.filled().count("ENTRY") >= 20
    assert max(notionals) < 10_000
    assert not made.denials
    market.assert_always_protected()
    market.assert_settled()
