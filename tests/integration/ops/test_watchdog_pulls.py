"""Kills of a watchdog run side by side: none waits for another one, and the venue's limits hold."""

import signal
from contextlib import asynccontextmanager

from ops.direct.client import TOO_MANY
from ops.watchdog.pull import SYMBOLS_MAX
from risk.kills import DIRECT_ORDER_PREFIX
from tests.direct_kit import TEN, forty_positions, full_account, run
from tests.venue_kit import until
from tests.watchdog_kit import watched_naked

FIVE = TEN[:5]


@asynccontextmanager
async def five_naked(folder, **profile):
    """Yield a watchdog over five positions, none of which has a stop."""
    async with full_account(entries=0, symbols=FIVE) as full:
        for symbol in FIVE[1:]:
            await full.hold(symbol)
        async with watched_naked(folder, full, FIVE, **profile) as seen:
            yield seen


def closes(full):
    """Return the closing orders that reached the venue: symbol and moment, Unix milliseconds."""
    return [
        (row["params"]["symbol"], row["ts"])
        for row in full.requests("POST", "/fapi/v1/order")
        if row["params"].get("newClientOrderId", "").startswith(DIRECT_ORDER_PREFIX)
    ]


def held(full):
    return [position["symbol"] for position in full.truth["positions"]]


def refuse(full, symbol):
    args = {"code": -4131, "text": "no", "status": 400}
    return full.venue.fault("refused", {"on": f"order:MARKET:{symbol}", "args": args})


def test_positions_without_stops_are_closed_side_by_side(tmp_path):
    async def scene():
        async with five_naked(tmp_path, grace_sec=0) as seen:
            await until(lambda: len(seen.events("KILLED")) == 5)

            assert seen.full.left == (0, 0, 0)
            assert sorted(symbol for symbol, _ in closes(seen.full)) == sorted(FIVE)
            # The first is told as killed when its quiet time is over.
            first_ms = seen.events("KILLED")[0]["ts_ns"] / 1e6
            assert all(ts_ms < first_ms for _, ts_ms in closes(seen.full))

    run(scene)


def test_a_refused_close_holds_neither_the_others_nor_the_looks(tmp_path):
    async def scene():
        async with five_naked(tmp_path, grace_sec=0) as seen:
            fault = refuse(seen.full, FIVE[0])

            await until(lambda: len(seen.events("KILLED")) == 4)

            assert held(seen.full) == [FIVE[0]]
            await seen.hears("CLEAR", "NAKED is over")  # Only a new look can tell.
            assert seen.events("LEFT") == []  # It goes on all the while.
            seen.full.venue.end_fault(fault)
            await until(lambda: len(seen.events("KILLED")) == 5)
            assert seen.full.left == (0, 0, 0)

    run(scene)


def test_a_kill_of_the_account_waits_for_no_symbol(tmp_path):
    async def scene():
        async with five_naked(tmp_path, grace_sec=0) as seen:
            fault = refuse(seen.full, FIVE[0])
            await seen.hears("PULL", FIVE[0])

            seen.signal(signal.SIGKILL)
            await seen.hears("PULL", "DEAD")

            assert not any(FIVE[0] in row["text"] for row in seen.events("KILLED"))
            assert seen.events("LEFT") == []
            seen.full.venue.end_fault(fault)
            await until(
                lambda: any("account" in r["report"]["scope"] for r in seen.events("KILLED"))
            )
            assert seen.full.left == (0, 0, 0)

    run(scene)


def test_a_watchdog_that_is_told_to_end_finishes_every_kill(tmp_path):
    async def scene():
        async with five_naked(tmp_path, grace_sec=0) as seen:
            await until(lambda: len(seen.events("PULL")) == 5)

        assert len(seen.events("KILLED")) == 5
        assert seen.full.left == (0, 0, 0)

    run(scene)


def test_many_symbols_without_stops_are_one_kill_of_the_account(tmp_path):
    async def scene():
        async with forty_positions() as full:
            naked = sorted(held(full))[: SYMBOLS_MAX + 1]
            async with watched_naked(tmp_path, full, naked, grace_sec=0) as seen:
                await seen.hears("KILLED", "verified")

                assert full.left == (0, 0, 0)
                assert [row["report"]["scope"] for row in seen.events("KILLED")] == ["account"]
                assert len(seen.events("PULL")) == 1

    run(scene)


def test_as_many_symbols_as_may_be_are_killed_alone(tmp_path):
    async def scene():
        async with forty_positions() as full:
            naked = sorted(held(full))[:SYMBOLS_MAX]
            async with watched_naked(tmp_path, full, naked, grace_sec=0) as seen:
                await until(lambda: len(seen.events("KILLED")) == SYMBOLS_MAX)

                assert full.left[0] == 40 - SYMBOLS_MAX
                answers = [row for row in full.venue.log.tail(2_000) if row["kind"] == "answer"]
                assert not any(row["status"] == TOO_MANY for row in answers)

    run(scene)
