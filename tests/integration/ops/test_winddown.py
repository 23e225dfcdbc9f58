"""What a node waits for before it ends: it leaves no position without its stop."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from nautilus_trader.model.enums import OrderSide

from ops.winddown import unrest
from tests.bracket_rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def left(rig: Rig) -> list[str]:
    keeps = SimpleNamespace(id=rig.strategy.id, config=SimpleNamespace(flatten_on_stop=False))
    trader = SimpleNamespace(strategies=lambda: [keeps])
    return list(unrest(SimpleNamespace(cache=rig.cache, trader=trader)))


def say(rig: Rig, act: Callable[[], None]) -> None:
    act()
    while rig.said:
        rig.hear()


def test_a_position_whose_stop_the_venue_refuses_is_waited_for(rig):
    rig.enter(OrderSide.BUY, target=False)
    say(rig, rig.serve)
    say(rig, lambda: rig.fill(rig.entries[0], Decimal(1)))
    while rig.client.asked:  # three stops, and the close at market in their stead
        say(rig, lambda: rig.serve(refuse=True))

    assert not rig.cache.orders_inflight()
    assert left(rig) == ["position BTCUSDT-PERP.BINANCE of 0.100 has stops for 0"]

    rig.settle()

    assert left(rig) == []


@pytest.mark.parametrize("side", [OrderSide.BUY, OrderSide.SELL])
def test_a_position_under_a_resting_stop_keeps_no_node_from_ending(rig, side):
    rig.enter(side, target=False)
    say(rig, rig.serve)
    say(rig, lambda: rig.fill(rig.entries[0], Decimal(1)))
    assert left(rig)

    rig.settle()

    assert rig.position != 0
    assert left(rig) == []
