"""A profile, an instrument and drawn prices for runs of some thousand data points."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.instruments import CryptoPerpetual

from catalog.instruments import builtin_instruments
from configs.profile import Profile, load_profile

START_NS = 1_735_689_600_000_000_000  # 2025-01-01


@pytest.fixture(scope="session")
def btc() -> CryptoPerpetual:
    return builtin_instruments()["BTCUSDT-PERP.BINANCE"]


@pytest.fixture
def make_profile(pytestconfig: pytest.Config) -> Callable[..., Profile]:
    """Return a function that gives the demo profile with other values in some sections."""
    base = load_profile(pytestconfig.rootpath / "configs/profiles/backtest.toml")

    def make(**sections: dict[str, Any]) -> Profile:
        changed = {
            name: getattr(base, name).model_copy(update=values) for name, values in sections.items()
        }
        return base.model_copy(update=changed)

    return make


@pytest.fixture
def make_quotes(btc: CryptoPerpetual) -> Callable[[int], list[QuoteTick]]:
    """Return a function that draws *n* quotes, ten a second, one tick apart at 60,000."""

    def make(n: int) -> list[QuoteTick]:
        ticks = 600_000 + np.cumsum(np.random.default_rng(1).integers(-20, 21, n))
        size = btc.make_qty(5)
        return [
            QuoteTick(
                btc.id,
                btc.make_price(bid / 10),
                btc.make_price((bid + 1) / 10),
                size,
                size,
                START_NS + i * 100_000_000,
                START_NS + i * 100_000_000,
            )
            for i, bid in enumerate(ticks.tolist())
        ]

    return make
