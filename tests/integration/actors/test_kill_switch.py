"""What a pull of the kill switch does at the venue, and what it leaves alone."""

import asyncio
from decimal import Decimal

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrderList
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.objects import Quantity
from nautilus_trader.model.orders import Order

from adapters.facts import PositionFact
from risk.kills import ACCOUNT, Kill, KillLevel, Scope
from risk.state_machine import SAME_PULL_NS
from risk.trading_state import TradingState
from tests.hop_kit import BTC
from tests.kill_kit import Killable, killable, play, pull, until_done
from tests.venue_kit import account, client, local_venue
from venue.wire.hooks import Reaction

ETH = "ETHUSDT-PERP.BINANCE"
ORDER, ALGO, POSITIONS = "/fapi/v1/order", "/fapi/v1/algoOrder", "/fapi/v3/positionRisk"
REFUSED = (400, {"code": -2022, "msg": "ReduceOnly Order is rejected."})
ON_BTC, ON_ETH = Scope("symbol", BTC.value), Scope("symbol", ETH)
ON_TRADER, ON_OTHER = Scope("strategy", "TRADER-001"), Scope("strategy", "OTHER-001")


def writes(node: Killable) -> list[tuple[str, str, str]]:
    """Return the requests that change something, and the looks at positions, in their order."""
    return [
        (r.method, r.path, r.params.get("side", ""))
        for r in node.requests.seen
        if (r.method != "GET" and "rder" in r.path) or r.path == POSITIONS
    ]


def pulled_again(node: Killable) -> Kill:
    """Pull FLATTEN of the account once more, late enough to be another pull."""
    ts_ns = node.node.kernel.clock.timestamp_ns() + SAME_PULL_NS
    kill = Kill(KillLevel.FLATTEN, ACCOUNT, "carl", "second", "signal", ts_ns)
    node.switch.take(kill)
    return kill


def approved(node: Killable) -> Order:
    """Return an entry that the gate has let out in this turn of the loop."""
    orders, trader = node.trader.bracket(), node.trader
    entry = orders.orders[0]
    node.cache.add_order(entry, None, None)
    now_ns = node.node.kernel.clock.timestamp_ns()
    node.guard.gate.execute(SubmitOrderList(trader.trader_id, trader.id, orders, UUID4(), now_ns))
    return entry


# -- levels -----------------------------------------------------------------------------------------


def test_an_empty_file_pulls_the_switch_at_the_level_of_the_profile(tmp_path):
    async def scene(node):
        await node.protected()
        entry = await node.resting()

        node.folder.kill.touch()

        await until_done(node)
        assert (node.position(), node.working()) == (0, set())
        assert node.cache.order(entry.client_order_id).status_string() == "CANCELED"
        assert node.state == "HALTED"
        assert node.alarms("KILL_DONE")

    play(scene, tmp_path)


@pytest.mark.parametrize("level", [KillLevel.REDUCE, KillLevel.HALT])
def test_reduce_and_halt_cancel_entries_and_leave_stop_and_target(tmp_path, level):
    async def scene(node):
        await node.protected()
        bracket = node.working()
        await node.resting()

        pull(node, level)

        await until_done(node)
        assert node.working() == bracket
        assert node.position() == Decimal("0.010")
        assert node.state == level.state.name
        denied = node.trader.rest()
        await node.until(lambda: denied.is_closed, "the denial")
        assert node.working() == bracket

    play(scene, tmp_path)


def test_exits_still_work_in_halt(tmp_path):
    async def scene(node):
        await node.protected()
        pull(node, KillLevel.HALT)
        await until_done(node)

        exit_order = node.trader.order_factory.market(
            BTC, OrderSide.SELL, Quantity.from_str("0.010"), reduce_only=True
        )
        node.trader.submit_order(exit_order)

        await node.until(lambda: (node.position(), node.working()) == (0, set()), "it to be flat")

    play(scene, tmp_path)


def test_stops_go_last_when_the_venue_has_shown_that_nothing_else_is_open(tmp_path):
    async def scene(node):
        await node.protected()
        node.requests.seen.clear()

        pull(node, KillLevel.FLATTEN)

        await until_done(node)
        steps = writes(node)
        closed = steps.index(("POST", ORDER, "SELL"))
        looked = steps.index(("GET", POSITIONS, ""))
        stopped = steps.index(("DELETE", ALGO, ""))
        assert closed < looked < stopped
        assert ("GET", POSITIONS, "") in steps[stopped:]
        assert ("POST", ALGO, "SELL") not in steps  # no bracket puts a new one in its place

    play(scene, tmp_path)


def test_where_the_cache_is_the_venue_it_is_asked_instead(tmp_path):
    async def scene(node):
        await node.protected()
        node.requests.seen.clear()

        pull(node, KillLevel.FLATTEN)

        await until_done(node)
        assert (node.position(), node.working()) == (0, set())
        assert ("GET", POSITIONS, "") not in writes(node)

    play(scene, tmp_path, asks_venue=False)


def test_pulling_twice_and_more_gently_does_no_harm(tmp_path):
    async def scene(node):
        await node.protected()
        pull(node, KillLevel.FLATTEN)
        pull(node, KillLevel.FLATTEN)
        pull(node, KillLevel.REDUCE)
        await until_done(node)
        sent = len(node.requests.writes())

        pull(node, KillLevel.REDUCE)
        pull(node, KillLevel.HALT, ON_BTC)

        await until_done(node, 2)
        assert [(line.level, line.scope) for line in node.lines] == [
            ("FLATTEN", "account"), ("HALT", str(ON_BTC)),
        ]  # fmt: skip
        assert len(node.requests.writes()) == sent
        assert len(node.alarms("KILL_DONE")) == 1

    play(scene, tmp_path)


def test_a_flatten_that_is_pulled_again_when_it_is_done_is_verified_again(tmp_path):
    async def scene(node):
        await node.protected()
        pull(node, KillLevel.FLATTEN)
        await until_done(node)
        sent, looks = len(node.requests.writes()), writes(node).count(("GET", POSITIONS, ""))

        again = pulled_again(node)

        await node.until(lambda: node.lines[0].by == "carl" and node.lines[0].flat_ns, "the end")
        assert node.lines[0].ts_ns == again.ts_ns
        assert len(node.requests.writes()) == sent
        assert writes(node).count(("GET", POSITIONS, "")) > looks
        assert len(node.alarms("KILL_DONE")) == 2

    play(scene, tmp_path)


def test_a_flatten_that_is_pulled_again_while_it_is_under_way_goes_on(tmp_path):
    async def scene(node):
        await node.protected()
        refused = [Reaction(engine_acts=False, answer=REFUSED) for _ in range(2)]
        for reaction in refused:
            node.requests.next_time("POST", ORDER, reaction)
        pull(node, KillLevel.FLATTEN)
        await node.until(lambda: len(node.requests.reactions) < 2, "the first close")

        pulled_again(node)

        assert node.switch.unrest()
        await node.until(lambda: node.lines[0].by == "carl" and node.lines[0].flat_ns, "the end")
        assert (node.position(), node.working()) == (0, set())
        closes = [r for r in node.requests.seen if r.method == "POST" and r.path == ORDER]
        assert (
            len([r for r in closes if r.params["type"] == "MARKET"]) == 4
        )  # the entry, three closes
        assert len(node.alarms("KILL_DONE")) == 1

    play(scene, tmp_path)


# -- scopes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [ON_BTC, ON_TRADER])
@pytest.mark.parametrize("level", list(KillLevel))
def test_a_kill_of_a_scope_stops_its_own_orders_and_not_the_account(tmp_path, scope, level):
    async def scene(node):
        await node.protected()
        bracket = node.working()
        await node.resting()

        pull(node, level, scope)

        await until_done(node)
        flattens = level is KillLevel.FLATTEN
        assert node.working() == (set() if flattens else bracket)
        assert node.position() == (0 if flattens else Decimal("0.010"))
        assert node.state == "ACTIVE"
        denied = node.trader.rest()
        await node.until(lambda: denied.is_closed, "the denial")

    play(scene, tmp_path)


@pytest.mark.parametrize("scope", [ON_ETH, ON_OTHER])
@pytest.mark.parametrize("level", list(KillLevel))
def test_a_kill_of_another_scope_leaves_orders_and_position_untouched(tmp_path, scope, level):
    async def scene(node):
        await node.protected()
        await node.resting()
        before = node.working()
        sent = len(node.requests.writes())

        pull(node, level, scope)

        await until_done(node)
        assert (node.working(), node.position()) == (before, Decimal("0.010"))
        assert len(node.requests.writes()) == sent
        await node.resting()  # and new risk may be taken

    play(scene, tmp_path)


@pytest.mark.parametrize("scope", [ACCOUNT, ON_BTC, ON_TRADER])
def test_an_entry_that_is_approved_and_has_not_left_does_not_leave(tmp_path, scope):
    async def scene(node):
        entry = approved(node)
        pull(node, KillLevel.REDUCE, scope)  # in the same turn of the loop

        await node.until(lambda: entry.is_closed, "the refusal")
        assert entry.status_string() == "REJECTED"
        assert "TRADING_REDUCING" in entry.last_event.reason
        assert ("POST", ORDER) not in node.requests.writes()

    play(scene, tmp_path)


def test_an_entry_outside_the_scope_leaves(tmp_path):
    async def scene(node):
        entry = approved(node)
        pull(node, KillLevel.REDUCE, ON_ETH)

        await node.until(lambda: entry.is_open, "the entry")

    play(scene, tmp_path)


# -- what trips by itself -----------------------------------------------------------------------


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_entries_are_canceled_whatever_has_tightened_the_state(tmp_path, state):
    async def scene(node):
        await node.protected()
        bracket = node.working()
        await node.resting()

        node.guard.gate.judge.trip(state, "LOSS: observed=1, limit=0", 1)

        await node.until(lambda: node.working() == bracket, "the entry to be gone")
        assert node.position() == Decimal("0.010")

    play(scene, tmp_path)


def test_nothing_is_canceled_while_nothing_is_tripped(tmp_path):
    async def scene(node):
        await node.protected()
        await node.resting()
        before = node.working()

        for _ in range(20):
            node.switch.look()

        assert node.working() == before
        assert not [w for w in node.requests.writes() if w[0] == "DELETE"]

    play(scene, tmp_path)


# -- orders and positions of others -------------------------------------------------------------


def test_what_somebody_else_has_opened_in_scope_is_closed_as_well(tmp_path):
    async def scene(node):
        await node.rest.ok(
            "POST", ORDER, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.020"
        )
        await node.rest.ok(
            "POST", ORDER, symbol="BTCUSDT", side="BUY", type="LIMIT", quantity="0.010",
            price="62000", timeInForce="GTC",
        )  # fmt: skip
        await node.until(node.cache.positions_open, "the foreign position to be known")

        pull(node, KillLevel.FLATTEN)

        await until_done(node)
        assert (node.position(), node.working()) == (0, set())

    play(scene, tmp_path)


def test_what_comes_after_it_was_flat_is_closed_too(tmp_path):
    async def scene(node):
        pull(node, KillLevel.FLATTEN)
        await until_done(node)

        await node.rest.ok(
            "POST", ORDER, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.020"
        )

        await node.until(lambda: len(node.alarms("KILL_DONE")) == 2, "the second end")
        assert (node.position(), node.working()) == (0, set())

    play(scene, tmp_path)


def test_what_the_last_look_shows_keeps_its_stop_until_it_is_closed(tmp_path):
    """It may be known at the venue alone, as yet."""

    async def scene(node):
        ask, seen = node.switch._look, []

        async def look():
            found = await ask()
            state = node.switch._flattenings[ACCOUNT]
            seen.append(state.is_flat)
            if len(seen) == 2:  # the last one, had nothing come
                stranger = PositionFact("ETHUSDT", Decimal("0.5"), Decimal(3_400))
                return found._replace(positions=(stranger,))
            return found

        node.switch._look = look
        pull(node, KillLevel.FLATTEN)

        await until_done(node)
        assert seen == [False, True, False, True]

    play(scene, tmp_path)


# -- restarts -----------------------------------------------------------------------------------


def test_a_restart_with_a_flatten_in_the_latch_goes_on_with_it(tmp_path):
    async def main():
        async with local_venue(accounts=(account(),)) as venue:
            async with killable(tmp_path, venue=venue) as node:
                await node.protected()
                await node.resting()
                node.requests.reactions += [
                    ("POST", ORDER, Reaction(engine_acts=False, answer=REFUSED))
                ] * 500
                pull(node, KillLevel.FLATTEN)
                await node.until(
                    lambda: any(r.params.get("type") == "MARKET" and r.params["side"] == "SELL"
                                for r in node.requests.seen), "a close that is refused",
                )  # fmt: skip
            async with client(venue):
                assert node.position() == Decimal("0.010")

            async with killable(tmp_path, venue=venue) as node:
                await until_done(node)
                assert (node.position(), node.working()) == (0, set())
                assert (node.lines[0].by, node.state) == ("ann", "HALTED")

    asyncio.run(main())


def test_a_node_that_starts_while_the_file_is_there_starts_killed(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "KILL").write_text("HALT before the start")

    async def scene(node):
        assert node.state == "HALTED"
        denied = node.trader.rest()
        await node.until(lambda: denied.is_closed, "the denial")
        assert not node.working()

    play(scene, tmp_path)
