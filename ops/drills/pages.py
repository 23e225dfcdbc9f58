"""The drills that run the pages of ``docs/runbooks``: one an incident of the risk analysis."""

from __future__ import annotations

import signal

from adapters.watchdog import LOST_AFTER
from ops.drills import looks
from ops.drills.kills import BTC, FLAT_SEC, TOLD_SEC, begin, stop
from ops.drills.markets import silence_sec_of
from ops.drills.runbook import FOLDER, Runbook, RunbookError
from ops.drills.stage import Stage

KEY_REFUSED = {
    "code": -2015, "status": 401, "text": "Invalid API-key, IP, or permissions for action.",
}  # fmt: skip


def page(name: str) -> Runbook:
    """Return a runbook by the name of its drill."""
    return Runbook(FOLDER / f"{name}.md")


def close(runbook: Runbook) -> None:
    """
    Judge that all of a page was run.

    Raises
    ------
    RunbookError
        If a block was not: a page says what no drill tries.

    """
    if runbook.waiting:
        raise RunbookError(f"{runbook.path.name}: no drill runs {', '.join(runbook.waiting)}")


async def unauthorized_trading(stage: Stage) -> None:
    """Let somebody else trade on the account, and follow the page."""
    runbook = page("unauthorized-trading")
    await begin(stage)
    for side, more in (("BUY", {}), ("SELL", {"price": "70000"})):
        await stage.fault(
            "foreign_order", args={"symbol": BTC, "side": side, "quantity": "0.02", **more}
        )
    await stage.expect("trading is tripped", looks.tripped(stage, "FOREIGN_ORDER"), 10)
    await stage.follow(runbook, "notice")
    await stage.follow(runbook, "stop")
    await stage.expect("all is flat and without orders", looks.empty(stage), 1)
    await stage.follow(runbook, "verify")
    line = await stage.wire_line()
    await stage.follow(runbook, "find")
    await stage.expect("nothing was sent that could open anything", looks.silent(stage, line), 1)
    await stage.follow(runbook, "resume")
    await stage.expect("ACTIVE, no kill is open", looks.active(stage), TOLD_SEC)
    close(runbook)
    await stop(stage, 0)


async def revoked_key(stage: Stage) -> None:
    """Let the venue refuse the key while positions are open, and follow the page."""
    runbook = page("revoked-key")
    await begin(stage)
    before = await stage.truth()
    number = await stage.fault("refused", on="any", account="main", args=KEY_REFUSED)
    await stage.expect("the node is HALTED", looks.state(stage, "HALTED", "KEY_REFUSED"), 20)
    await stage.follow(runbook, "notice")
    stage.signal(signal.SIGTERM)
    await stage.ends(70, prints="trading is HALTED: KEY_REFUSED")
    await stage.follow(runbook, "dead")
    await stage.expect(
        "every position keeps its stop at the venue", looks.same_positions(stage, before), 1
    )
    await stage.follow(runbook, "refused")
    await stage.end_fault(number)
    await stage.follow(runbook, "close")
    await stage.expect("all is flat and without orders", looks.empty(stage), 1)
    await stage.follow(runbook, "resume")
    close(runbook)


async def flash_crash(stage: Stage) -> None:
    """Let a price fall by a tenth within two seconds, and follow the page."""
    runbook = page("flash-crash")
    await begin(stage)
    before = await stage.truth()
    await stage.fault("flash_crash", args={"symbol": BTC, "to": "0.9"})
    await stage.expect("trading is tripped", looks.tripped(stage, "PRICE_SHOCK"), TOLD_SEC)
    line = await stage.wire_line()
    others = tuple(symbol for symbol in before.positions if symbol != BTC)
    await stage.expect(
        "the others keep position and stop", looks.untouched(stage, before, *others), 1
    )
    await stage.expect("no position is without its stop", looks.protected(stage), FLAT_SEC)
    await stage.follow(runbook, "notice")
    await stage.follow(runbook, "stop")
    await stage.follow(runbook, "review")
    await stage.expect("nothing was sent that could open anything", looks.silent(stage, line), 1)
    await stage.follow(runbook, "close")
    await stage.expect("all is flat and without orders", looks.empty(stage), 1)
    window_sec = stage.profile.limits.shock.price_move_window_sec
    await stage.expect("the shock has left its window", looks.settled(stage), window_sec + 10)
    await stage.follow(runbook, "resume")
    await stage.expect("ACTIVE, no kill is open", looks.active(stage), TOLD_SEC)
    await stage.stays("it stays ACTIVE", looks.active(stage), 1)
    close(runbook)
    await stop(stage, 0)


async def venue_outage(stage: Stage) -> None:
    """Break every connection for as long as it takes to trip, and follow the page."""
    runbook = page("venue-outage")
    await begin(stage)
    before = await stage.truth()
    number = await stage.fault("outage", **{"for": "1h"})
    await stage.expect("new risk is held back", looks.holding(stage, "USER_STREAM_LOST"), TOLD_SEC)
    await stage.expect(
        "trading is REDUCING", looks.state(stage, "REDUCING", "FEED_LOST"),
        LOST_AFTER * silence_sec_of(stage) + 10,
    )  # fmt: skip
    await stage.follow(runbook, "notice")
    await stage.expect("the node lives", looks.beating(stage), 1)
    await stage.expect("every position keeps its stop", looks.same_positions(stage, before), 1)
    await stage.end_fault(number)
    await stage.expect("the hold is over", looks.holding(stage, ""), 30)
    await stage.expect("the prices are back", looks.journaled(stage, "venue", "FEED_BACK"), 20)
    await stage.follow(runbook, "verify")
    await stage.follow(runbook, "review")
    await stage.stays(
        "the same positions, each with one stop", looks.same_positions(stage, before), 2
    )
    await stage.follow(runbook, "resume")
    await stage.expect("ACTIVE, no kill is open", looks.active(stage), TOLD_SEC)
    close(runbook)
    await stop(stage, 0)
