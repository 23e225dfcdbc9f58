"""A position that stays bare although the venue answers ends new risk; one that is mended does not."""

from decimal import Decimal

from tests.monitor_kit import Monitored, play


def causes(m: Monitored) -> list[str]:
    return m.node.guard.gate.judge.state.causes


def test_a_position_that_can_neither_be_protected_nor_closed_in_time_trips_reducing(tmp_path):
    async def scene(m: Monitored) -> None:
        m.fault("refused", on="algo", args={"code": -4130})
        m.fault("refused", on="order:SELL", args={"code": -2010})
        m.node.trader.enter()

        await m.until(lambda: m.node.state == "REDUCING", "the trip")

        broken = [cause for cause in causes(m) if cause.startswith("STOP_INVARIANT_BROKEN: ")]
        assert "without a full stop on BTCUSDT-PERP.BINANCE, limit=1000 ms" in broken[0]

    play(scene, tmp_path)


def test_a_position_whose_stop_is_refused_once_trips_nothing(tmp_path):
    async def scene(m: Monitored) -> None:
        m.fault("refused", on="algo", count=1, args={"code": -4130})
        m.node.trader.enter()

        await m.until(m.stops, "a stop")
        await m.looks()

        assert (m.node.state, m.amt()) == ("ACTIVE", Decimal("0.010"))

    play(scene, tmp_path)
