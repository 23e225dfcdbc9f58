"""The strategy printed in the documentation is a complete one and trades."""

import re
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest
from nautilus_trader.model.identifiers import InstrumentId

from strategies.base import ProtectedStrategyConfig
from strategies.donchian import DonchianBreakoutConfig
from strategies.ema_cross import EmaCrossConfig
from strategies.imbalance import BookImbalanceConfig

DOCS = Path(__file__).parents[3] / "docs" / "strategies.md"


@pytest.fixture
def example(monkeypatch) -> ModuleType:
    (code,) = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(), re.DOTALL | re.MULTILINE)
    module = ModuleType("docs_example")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, DOCS.name, "exec"), module.__dict__)
    return module


def test_the_documented_example_buys_a_dip_with_its_stop(market, make_bars, example):
    config = example.BuyTheDipConfig(
        instrument_id=InstrumentId.from_str("BTCUSDT-PERP.BINANCE"),
        trade_risk_usdt=Decimal(50),
        trade_notional_usdt_max=Decimal(5_000),
        bars="1-MINUTE-LAST-EXTERNAL",
    )
    dip = [50_000.0 - 60 * step for step in range(14)]

    market.run(example.BuyTheDip(config), make_bars([*dip, dip[-1], dip[-1] + 800]))

    assert market.filled() == ["ENTRY", "TAKE_PROFIT"]
    market.assert_always_protected()
    market.assert_settled()


def test_every_parameter_of_every_strategy_is_documented():
    inherited = set(ProtectedStrategyConfig.__mro__[1].__struct_fields__)
    documented = set(re.findall(r"^\| `(\w+)` \|", DOCS.read_text(), re.MULTILINE))

    for config in (EmaCrossConfig, DonchianBreakoutConfig, BookImbalanceConfig):
        assert set(config.__struct_fields__) - inherited <= documented
