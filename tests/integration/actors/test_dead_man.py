"""The dead man's switch before a venue: entries die with the heart, stops live, an end disarms."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide, OrderType
from nautilus_trader.model.objects import Price, Quantity

from actors.dead_man import Countdowns, DeadMan
from actors.heartbeat import Heartbeat, attach_heartbeat
from adapters.countdown import Countdown, CountdownError
from risk.journal import read
from tests.guarded_kit import GuardedNode, guarded_node
from tests.hop_kit import BTC
from venue.wire.hooks import Reaction

PATH = "/fapi/v1/countdownCancelAll"
FAST = Countdowns(countdown_sec=2.0, rearm_sec=0.25, feed_age_ms_max=60_000)
SLOW = FAST._replace(countdown_sec=30.0, rearm_sec=0.2)


class Watched(GuardedNode):
    """A guarded node with a heartbeat and a dead man's switch."""

    heartbeat: Heartbeat
    dead_man: DeadMan

    def arms(self) -> list[str]:
        """Return the countdowns that arrived at the venue, milliseconds."""
        return [r.params["countdownTime"] for r in self.requests.seen if r.path == PATH]

    def armed(self) -> set[str]:
        """Return the symbols whose countdown runs at the venue."""
        return set(self.venue.exchange.account("main").countdowns)

    def refuse_arms(self, times: int) -> None:
        for _ in range(times):
            answer = {"code": -1001, "msg": "Internal error"}
            self.requests.next_time("POST", PATH, Reaction(engine_acts=False, answer=(503, answer)))

    def rest_entry(self) -> str:
        """Leave an entry with its stop resting far below the market; return its client id."""
        orders = self.trader.order_factory.bracket(
            instrument_id=BTC, order_side=OrderSide.BUY, quantity=Quantity.from_str("0.010"),
            entry_order_type=OrderType.LIMIT, entry_price=Price.from_str("60000.0"),
            sl_trigger_price=Price.from_str("58000.0"), tp_price=Price.from_str("70000.0"),
        )  # fmt: skip
        self.trader.submit_order_list(orders)
        return str(orders.orders[0].client_order_id)

    def working(self) -> tuple[set[str], set[str]]:
        """Return the client ids of regular and of conditional orders that work at the venue."""
        truth = self.venue.exchange.truth("main")
        algos = {a["client_algo_id"] for a in truth["open_algos"] if a["status"] == "NEW"}
        return {o["client_order_id"] for o in truth["open_orders"]}, algos

    def journalled(self, kind: str) -> list[dict[str, Any]]:
        return [r["data"] for r in read(self.guard.record.journal.path) if r["type"] == kind]


Scene = Callable[[Watched], Awaitable[None]]


def play(scene: Scene, tmp_path: Any, countdowns: Countdowns) -> None:
    """Run a scene on a node that has both."""

    async def main() -> None:
        attached: dict[str, Any] = {}

        def attach(node: Any, guard: Any) -> None:
            client = next(iter(node.kernel.exec_engine._clients.values()))
            heartbeat = attach_heartbeat(node.kernel, guard, tmp_path / "heartbeat.json")
            arm = Countdown(client._http_client, recv_window_ms=5_000).arm
            dead_man = DeadMan([BTC.value], countdowns, arm, heartbeat, guard.gate.judge)
            node.trader.add_actor(dead_man)
            attached.update(heartbeat=heartbeat, dead_man=dead_man)

        async with guarded_node(tmp_path, attach=attach) as plain:
            node = Watched(**vars(plain))
            node.heartbeat, node.dead_man = attached["heartbeat"], attached["dead_man"]
            await scene(node)

    asyncio.run(main())


def test_while_the_heart_beats_entries_outlive_many_countdowns(tmp_path):
    async def scene(node: Watched) -> None:
        entry = node.rest_entry()
        await node.until(lambda: entry in node.working()[0], "a resting entry")
        seen = len(node.arms())

        await node.until(lambda: len(node.arms()) >= seen + 10, "ten renewals")  # 2.5 s and more

        assert entry in node.working()[0]
        assert set(node.arms()) == {"2000"}
        assert node.kinds() == []

    play(scene, tmp_path, FAST)


@pytest.mark.parametrize("takes_algos", [False, True], ids=["stops_stay", "stops_are_taken_too"])
def test_when_renewals_are_lost_entries_die_and_every_position_keeps_a_stop(tmp_path, takes_algos):
    async def scene(node: Watched) -> None:
        exchange = node.venue.exchange
        exchange.options = replace(exchange.options, countdown_cancels_algo=takes_algos)
        node.trader.enter(stop="60500.0")
        await node.until(lambda: node.working()[1], "a stop")
        (stop,) = node.working()[1]
        entry = node.rest_entry()
        await node.until(lambda: entry in node.working()[0], "a resting entry")
        await node.until(node.armed, "a countdown")

        node.refuse_arms(1_000)
        await node.until(lambda: entry not in node.working()[0], "the entry to die")
        node.requests.reactions.clear()

        await node.until(lambda: "COUNTDOWN_FIRED" in node.kinds(), "to be told")
        await node.until(lambda: node.working()[1], "a stop at the venue")
        assert (stop in node.working()[1]) is not takes_algos
        await node.until(lambda: len(node.working()[1]) == 1, "one stop, and no other")
        await node.until(node.armed, "a countdown that runs again", 30)
        events = [row["event"] for row in node.journalled("venue")]
        assert events.count("COUNTDOWN_FIRED") == 1
        assert node.state == "ACTIVE"

    play(scene, tmp_path, FAST)


def test_a_refused_renewal_is_tried_again_before_the_countdown_runs_out(tmp_path):
    async def scene(node: Watched) -> None:
        entry = node.rest_entry()
        await node.until(lambda: entry in node.working()[0] and node.armed(), "an armed entry")
        seen = len(node.arms())

        node.refuse_arms(2)
        await node.until(lambda: len(node.arms()) >= seen + 12, "renewals after the refused ones")

        assert entry in node.working()[0]
        assert "COUNTDOWN_FIRED" not in node.kinds()

    play(scene, tmp_path, FAST)


def test_a_venue_that_refuses_on_and_on_is_asked_at_the_normal_pace(tmp_path):
    async def scene(node: Watched) -> None:
        await node.until(node.armed, "a countdown")
        node.refuse_arms(1_000)
        await node.until(lambda: "COUNTDOWN_FIRED" in node.kinds(), "the end of the countdown")
        seen = len(node.arms()) + 1  # one may be on its way

        await node.until(lambda: len(node.arms()) >= seen + 5, "five more tries")

        asked_ms = [int(r.params["timestamp"]) for r in node.requests.seen if r.path == PATH][seen:]
        gaps_ms = [after - before for before, after in pairwise(asked_ms)]
        assert min(gaps_ms) >= FAST.rearm_sec * 1_000 - 1

    play(scene, tmp_path, FAST)


def stop_the_gate(node: Watched) -> None:
    node.guard.gate._waiting.append("a command that never ends")


def let_the_feed_grow_old(node: Watched) -> None:
    node.dead_man._countdowns = FAST._replace(feed_age_ms_max=-60_000)


def stop_the_heart(node: Watched) -> None:
    assert node.heartbeat._task is not None
    node.heartbeat._task.cancel()


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (stop_the_gate, "the gate does not answer"),
        (let_the_feed_grow_old, "its newest quote is"),
        (stop_the_heart, "no heartbeat"),
    ],
)
def test_a_heart_that_does_not_beat_is_not_renewed(tmp_path, harm, why):
    async def scene(node: Watched) -> None:
        entry = node.rest_entry()
        await node.until(lambda: entry in node.working()[0] and node.armed(), "an armed entry")

        harm(node)

        await node.until(lambda: entry not in node.working()[0], "the entry to die")
        await node.until(lambda: "COUNTDOWN_FIRED" in node.kinds(), "to be told")
        (event,) = [e for e in node.events if e.kind.name == "COUNTDOWN_FIRED"]
        assert event.observed.startswith(f"{BTC}: {why}")
        assert event.instrument_id == BTC.value
        node.guard.gate._waiting.clear()

    play(scene, tmp_path, FAST)


def test_an_orderly_end_leaves_no_countdown_behind(tmp_path):
    async def scene(node: Watched) -> None:
        await node.until(node.armed, "a countdown")

        await node.dead_man.disarm()

        assert node.armed() == set()
        assert node.arms()[-1] == "0"
        assert node.dead_man.fires_in_sec() == {BTC.value: None}
        await node.until(lambda: node.heartbeat.newest.seq > 4, "the node to go on")
        assert node.arms()[-1] == "0", "nobody arms it again"

    play(scene, tmp_path, SLOW)


def test_a_countdown_that_cannot_be_disarmed_is_an_alarm(tmp_path):
    async def scene(node: Watched) -> None:
        await node.until(node.armed, "a countdown")
        await node.until(lambda: node.dead_man.fires_in_sec()[BTC.value], "its answer")
        node.refuse_arms(5)

        await node.dead_man.disarm()

        (alarm,) = node.journalled("alarm")
        assert alarm["text"].startswith(f"COUNTDOWN_NOT_DISARMED: observed={BTC}")

    play(scene, tmp_path, SLOW)


def test_a_countdown_that_never_begins_is_an_alarm(tmp_path):
    async def scene(node: Watched) -> None:
        await node.until(lambda: node.journalled("alarm"), "the alarm")

        (alarm,) = node.journalled("alarm")
        assert alarm["text"].startswith(f"COUNTDOWN_NOT_ARMED: observed={BTC}: its newest quote")
        assert node.arms() == []

    play(scene, tmp_path, FAST._replace(feed_age_ms_max=-60_000))


def test_an_answer_about_another_countdown_is_no_answer(tmp_path):
    async def scene(node: Watched) -> None:
        said = {"symbol": "BTCUSDT", "countdownTime": "1"}
        node.requests.next_time("POST", PATH, Reaction(engine_acts=False, answer=(200, said)))
        countdown = Countdown(node.exec_client._http_client, recv_window_ms=5_000)

        with pytest.raises(CountdownError, match="'countdownTime': '1'"):
            await countdown.arm(BTC.value, 5_000)

    play(scene, tmp_path, SLOW._replace(rearm_sec=15.0, feed_age_ms_max=-60_000))
