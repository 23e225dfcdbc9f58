"""A live node obeys the latch and keeps its figures also when nothing is traded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from threading import Thread

import pytest

from risk.keep import Keep
from risk.latch import Latch
from risk.trading_state import TradingState
from tests.attacks.live_scene import LiveScene
from tests.attacks.scene import BTC
from tests.venue_kit import until


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[LiveScene]:
    scene = LiveScene(tmp_path, guarded=True)
    yield scene
    scene.close()


def wait(scene: LiveScene, condition: Callable[[], bool]) -> None:
    scene.loop.run_until_complete(until(condition))


def person(scene: LiveScene, state: TradingState, *resumed: str) -> None:
    latch = Latch(scene.state_dir / "latch.json")
    latch.write(state, [], by="ada", reason="news", ts_ns=time.time_ns(), resumed=resumed)


def state_of(scene: LiveScene) -> TradingState:
    return scene.guard.gate.judge.state.state


def test_a_quiet_node_follows_what_a_person_writes(scene: LiveScene) -> None:
    person(scene, TradingState.HALTED)
    wait(scene, lambda: state_of(scene) is TradingState.HALTED)

    person(scene, TradingState.ACTIVE, "account")
    wait(scene, lambda: state_of(scene) is TradingState.ACTIVE)


def test_a_quiet_node_looks_at_prices(scene: LiveScene) -> None:
    scene.guard.gate.judge.trip(TradingState.ACTIVE, "", 0)
    tally = scene.guard.gate.judge.rulebook.tallies["price_shock"]
    before = tally.evaluated

    # Two quotes within the sampling second: the second one is seen by the pulse alone.
    scene.quote(BTC, 50_000.0)
    scene.quote(BTC, 50_001.0)

    wait(scene, lambda: tally.evaluated > before + 1)


def test_figures_are_there_after_a_restart(scene: LiveScene) -> None:
    judge = scene.guard.gate.judge
    judge.account.funding -= Decimal(100)
    file = Keep(scene.state_dir / "figures.json")
    wait(scene, lambda: (kept := file.read()) is not None and kept.pnl == -100)

    again = scene.restarted()

    reborn = again.guard.gate.judge
    assert reborn.account.pnl() == -100
    assert {r.key: r.observed for r in reborn.losses()}["daily_loss"] == Decimal("0.001")


@pytest.mark.parametrize("text", [None, "torn"])
def test_figures_that_are_gone_or_torn_halt(scene: LiveScene, text: str | None) -> None:
    path = scene.state_dir / "figures.json"
    path.unlink() if text is None else path.write_text(text)

    again = scene.restarted()

    assert state_of(again) is TradingState.HALTED
    (cause,) = again.guard.gate.judge.state.causes
    assert cause.startswith("FIGURES_UNREADABLE: observed=")
    assert "figures.json" in cause


def test_a_command_from_another_thread_is_brought_to_the_loop(scene: LiveScene) -> None:
    order = scene.submit(scene.bracket(price="49000.0", stop="48500.0")).orders[0]
    judged = scene.guard.gate.judge.account.symbol(str(BTC.id)).pending
    stop = next(key for key, pending in judged.items() if pending.is_stop)
    before = len(scene.client.received)

    # Timers of a live clock come so; nothing is judged or sent before the loop has its turn.
    other = Thread(target=scene.strategy.cancel_order, args=(order,))
    other.start()
    other.join()
    assert len(scene.client.received) == before
    assert stop in judged
    scene.settle()

    assert order.is_closed
    assert stop not in judged


def test_a_pulse_that_fails_halts_and_still_looks_after_positions(
    scene: LiveScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = scene.guard.gate
    looked = []
    tick = gate.brackets.on_tick
    monkeypatch.setattr(gate.brackets, "on_tick", lambda: (looked.append(1), tick()))

    def fail() -> None:
        raise ArithmeticError("a price of nothing")

    monkeypatch.setattr(gate, "look", fail)

    wait(scene, lambda: len(looked) > 1)

    assert state_of(scene) is TradingState.HALTED
    assert gate.judge.state.causes[0].startswith("PULSE_BROKEN: observed=ArithmeticError")
