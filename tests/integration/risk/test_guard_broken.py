"""Whoever cannot do its part of the guard halts; whoever only had much to do does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from nautilus_trader.model.enums import OrderSide, TradingState
from nautilus_trader.model.events import OrderDenied

from risk.gate import DENIALS_IN_A_ROW_MAX
from tests.attacks.live_scene import LiveScene
from tests.attacks.scene import BTC
from tests.bracket_rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def causes(rig: Rig) -> list[str]:
    return [cause.split(":")[0] for cause in rig.gate.judge.state.causes]


def submit_without_stop(rig: Rig) -> None:
    order = rig.strategy.order_factory.market(BTC.id, OrderSide.BUY, BTC.make_qty(0.1))
    rig.strategy.submit_order(order)


@pytest.mark.parametrize(
    ("denials", "expected"),
    [(DENIALS_IN_A_ROW_MAX, []), (DENIALS_IN_A_ROW_MAX + 1, ["DENIAL_LOOP"])],
)
def test_denials_that_answer_denials_halt_one_over_the_limit(
    rig: Rig, denials: int, expected: list[str]
) -> None:
    told: list[OrderDenied] = []

    def answer(event: object) -> None:
        if isinstance(event, OrderDenied):
            told.append(event)
            if len(told) < denials:
                submit_without_stop(rig)

    rig.bus.subscribe("events.order.*", answer)
    submit_without_stop(rig)

    assert causes(rig) == expected
    assert len(told) == DENIALS_IN_A_ROW_MAX


def test_as_many_denials_one_after_another_are_no_loop(rig: Rig) -> None:
    for _ in range(DENIALS_IN_A_ROW_MAX + 1):
        submit_without_stop(rig)

    assert causes(rig) == []


def test_brackets_that_fail_halt(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_holding: object) -> None:
        raise ArithmeticError("a position of nothing")

    monkeypatch.setattr(rig.gate.brackets, "_protect_silent", fail)

    rig.enter(OrderSide.BUY, target=False)
    rig.settle()

    assert causes(rig) == ["BRACKETS_BROKEN"]


def test_brackets_that_do_their_work_halt_nothing(rig: Rig) -> None:
    rig.enter(OrderSide.BUY, target=False)
    rig.settle()
    rig.fill(rig.entries[0], rig.entries[0].qty)
    rig.settle()

    assert (causes(rig), len(rig.stops)) == ([], 1)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (TradingState.HALTED, ["SET_BY_CODE"]),
        (TradingState.REDUCING, ["SET_BY_CODE"]),
        (TradingState.ACTIVE, []),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_code_that_tightens_the_state_is_obeyed_and_named(
    tmp_path: Path, state: TradingState, expected: list[str]
) -> None:
    scene = LiveScene(tmp_path, guarded=True)

    scene.kernel.risk_engine.set_trading_state(state)

    judge = scene.guard.gate.judge
    assert [cause.split(":")[0] for cause in judge.state.causes] == expected
    assert judge.state.state.name == state.name
    scene.close()
