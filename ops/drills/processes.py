"""Drills of a node that hangs or dies, and of the watchdog beside it."""

from __future__ import annotations

import signal

from ops.drills import looks
from ops.drills.kills import START_SEC, begin, stop
from ops.drills.stage import Stage


async def hung_node(stage: Stage) -> None:
    """Stop the node's process with positions open: the watchdog flattens, and it stays so."""
    await begin(stage)
    await stage.start("-m", "ops", "watchdog", "--state", str(stage.state.path),
                      output="watchdog.out")  # fmt: skip
    stage.log.did("a watchdog was started")
    await stage.expect("the watchdog knows the node", looks.watchdog_says(stage, "NODE"), 15)
    stage.signal(signal.SIGSTOP)
    watchdog = stage.profile.watchdog
    assert watchdog is not None, "Invariant: a rehearsal has one"
    alarm_sec = watchdog.heartbeat_ms_max / 1_000 + 5
    await stage.expect(
        "the watchdog raises the alarm", looks.watchdog_says(stage, "ALARM", "HUNG"), alarm_sec
    )
    await stage.expect("all is flat and without orders", looks.empty(stage), watchdog.grace_sec + 5)
    await stage.expect("the watchdog has verified it", looks.watchdog_says(stage, "KILLED"), 10)
    await stage.expect(
        "the kill is latched",
        looks.killed(stage, watchdog.level, "account", "watchdog"), 1,
    )  # fmt: skip
    line = await stage.wire_line()
    stage.signal(signal.SIGCONT)
    await stage.expect("the node that wakes is HALTED", looks.state(stage, "HALTED"), 10)
    await stage.expect("it verifies by itself", looks.done(stage, watchdog.level, "account"), 20)
    await stage.stays("it sends nothing that could open anything", looks.silent(stage, line), 3)
    await stop(stage, 70)


async def killed_process(stage: Stage) -> None:
    """Kill the node's process with positions open, and start it again."""
    await begin(stage)
    before = await stage.truth()
    stage.signal(signal.SIGKILL)
    await stage.ends(-signal.SIGKILL, within_sec=5)
    await stage.expect(
        "positions keep their stops at the venue", looks.same_positions(stage, before), 1
    )
    await stage.ops("status", exits=75, prints=("NO LIVING NODE",))
    await stage.start_node()
    await stage.expect("the node lives again", looks.beating(stage), START_SEC)
    await stage.expect(
        "it has taken its positions over",
        looks.holds(stage, len(before.positions)), START_SEC,
    )  # fmt: skip
    await stage.stays(
        "the same positions, each with one stop", looks.same_positions(stage, before), 3
    )
    await stage.ops("status", prints=("ACTIVE",))
    await stop(stage, 0)
