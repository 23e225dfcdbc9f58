"""A stop that is not what it should be is found and mended in time, and nothing else is touched."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.monitor_kit import Monitored, monitored

Scene = Callable[[Monitored], Awaitable[None]]
QTY = Decimal("0.010")


def play(scene: Scene, tmp_path: Any, **options: Any) -> None:
    async def main() -> None:
        async with monitored(tmp_path, **options) as m:
            await scene(m)

    asyncio.run(main())


async def looks(m: Monitored, count: int = 5) -> None:
    """Let the monitor compare the stops with the venue *count* times more."""
    path = "/fapi/v1/openAlgoOrders"
    asked = [0]
    before = m.venue.wire.hooks.on_request

    def on_request(request: Any) -> Any:
        asked[0] += request.path == path
        return before(request)

    m.venue.wire.hooks.on_request = on_request
    await m.until(lambda: asked[0] >= count, f"{count} comparisons")
    m.venue.wire.hooks.on_request = before


def worst_ms(m: Monitored) -> int:
    return max(episode.bare_ms_max for episode in m.episodes())


# -- stops that go ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["stop_expired", "stop_canceled_silently", "foreign_cancel"])
def test_a_stop_that_goes_is_placed_anew_where_it_was(tmp_path, fault):
    async def scene(m: Monitored) -> None:
        _, stop = await m.enter()
        first = stop.client_order_id.value

        m.fault(fault)
        await m.until(lambda: m.stops() and first not in m.stops(), "another stop")

        assert list(m.stops().values()) == [Decimal("60000")]
        assert m.amt() == QTY
        assert worst_ms(m) < 1_000
        assert "STOP_INVARIANT_BROKEN" not in str(m.node.guard.gate.judge.state.causes)

    play(scene, tmp_path)


def test_a_stop_that_stands_is_left_alone(tmp_path):
    async def scene(m: Monitored) -> None:
        await m.enter()
        before = m.stops()

        await looks(m, 10)

        assert (m.stops(), m.amt(), m.alarms(), m.node.state) == (before, QTY, [], "ACTIVE")
        (watched,) = m.monitor.symbols.values()
        assert watched.clock.mends == 0
        assert watched.clock.bare_ns is None

    play(scene, tmp_path)


def test_a_stop_that_is_refused_again_and_again_closes_the_position(tmp_path):
    async def scene(m: Monitored) -> None:
        m.fault("refused", on="algo", args={"code": -4130})
        m.node.trader.enter()
        await m.until(lambda: m.amt() == QTY, "the entry")

        await m.until(lambda: m.amt() == 0, "the close")
        await m.until(m.closed, "what was measured of it")

        assert worst_ms(m) < 1_000
        assert m.closed()[0].unprotected_ms < 1_000

    play(scene, tmp_path)


def test_a_stop_that_is_refused_once_is_placed_again_and_the_position_stays(tmp_path):
    async def scene(m: Monitored) -> None:
        m.fault("refused", on="algo", count=1, args={"code": -1008, "status": 503})
        m.node.trader.enter()
        await m.until(m.stops, "a stop")

        await looks(m)

        assert m.amt() == QTY
        assert len(m.stops()) == 1
        assert worst_ms(m) < 1_000

    play(scene, tmp_path)


@pytest.mark.parametrize("is_executed", [True, False])
def test_a_stop_whose_reply_is_lost_is_found_or_placed_beside(tmp_path, is_executed):
    async def scene(m: Monitored) -> None:
        m.fault("reply_lost", on="algo", count=1, args={"is_executed": is_executed})
        m.node.trader.enter()
        await m.until(lambda: m.amt() == QTY, "the entry")
        await m.until(m.stops, "a stop")

        await looks(m, 3)

        assert m.amt() == QTY
        assert m.stops()
        assert worst_ms(m) < 1_000
        assert bool(m.alarms("STOP_MISSING")) is not is_executed

    play(scene, tmp_path)
