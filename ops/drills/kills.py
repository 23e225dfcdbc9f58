"""Drills of the kill switch."""

from __future__ import annotations

import json
import signal

from ops.drills import looks
from ops.drills.redis import DrillRedis
from ops.drills.stage import Stage

BTC, ETH, SOL = "BTCUSDT", "ETHUSDT", "SOLUSDT"
VENUE = "-PERP.BINANCE"
START_SEC, FLAT_SEC, TOLD_SEC, STAYS_SEC = 60.0, 5.0, 10.0, 2.0


async def begin(stage: Stage, positions: int = 3) -> None:
    """Start a node, and wait until it holds so many protected positions."""
    await stage.start_node()
    await stage.expect(
        f"{positions} positions, each with its stop", looks.holds(stage, positions), START_SEC
    )


async def kill(stage: Stage) -> None:
    """Pull the switch in each way, at several levels and scopes; then resume."""
    await begin(stage)
    before, untouched = await stage.truth(), [ETH, SOL]
    if stage.redis is not None:
        await _redis_pull(stage, stage.redis)
        await stage.expect(
            "the others keep position and stop", looks.untouched(stage, before, *untouched), 1
        )
    else:
        stage.log.did("not pulled over Redis: redis-server is not installed")
    await stage.ops("kill", "FLATTEN", "--scope", f"symbol:{ETH}{VENUE}", "--by", "drill",
                    "--reason", "by command",
                    prints=("flat and without orders, verified at the venue",))  # fmt: skip
    await stage.expect(f"{ETH} is empty at the venue", looks.empty(stage, ETH), 1)
    await stage.expect(f"{SOL} keeps position and stop", looks.untouched(stage, before, SOL), 1)
    stage.signal(signal.SIGUSR1)
    await stage.expect("HALTED", looks.state(stage, "HALTED"), TOLD_SEC)
    await stage.expect(
        "HALT leaves the position and its stop", looks.untouched(stage, before, SOL), 1
    )
    stage.state.kill.write_bytes(b"")
    stage.log.did("the file KILL in the state folder was emptied")
    await stage.expect("all is flat and without orders", looks.empty(stage), FLAT_SEC)
    await stage.expect(
        "the node has verified it", looks.done(stage, "FLATTEN", "account"), TOLD_SEC
    )
    line = await stage.wire_line()
    await stage.stays(
        "nothing is sent that could open anything", looks.silent(stage, line), STAYS_SEC
    )
    await stage.ops("status", exits=70, prints=("HALTED",))
    await stage.ops("resume", "--by", "drill", "--reason", "the drill is over", "--shared", "--yes",
                    prints=("allowed again", "resumed: everything; the node is ACTIVE"))  # fmt: skip
    await stage.expect("ACTIVE, no kill is open", looks.active(stage), TOLD_SEC)
    await stop(stage, 0)


async def _redis_pull(stage: Stage, redis: DrillRedis) -> None:
    words = {"level": "FLATTEN", "scope": f"symbol:{BTC}{VENUE}", "by": "drill", "reason": "redis"}
    answer = await redis.cli("SET", "KILL_SWITCH", json.dumps(words))
    stage.log.did(f"redis-cli SET KILL_SWITCH, FLATTEN of {BTC}: {answer}")
    await stage.expect(f"{BTC} is empty at the venue", looks.empty(stage, BTC), FLAT_SEC)


async def kill_direct(stage: Stage) -> None:
    """Hang the node, pull the switch with the key alone, and wake the node: it stays killed."""
    await begin(stage)
    stage.signal(signal.SIGSTOP)
    for symbol, price in ((BTC, "50000"), (ETH, "2800")):
        await stage.fault("foreign_order", args={
            "symbol": symbol, "side": "BUY", "quantity": "0.5", "price": price,
        })  # fmt: skip
    await stage.ops("kill", "FLATTEN", "--direct", "--by", "drill", "--reason", "hung",
                    prints=("DONE: FLATTEN of account",))  # fmt: skip
    await stage.expect("all is flat and without orders", looks.empty(stage), 1)
    line = await stage.wire_line()
    stage.signal(signal.SIGCONT)
    await stage.expect("the node that wakes is HALTED", looks.state(stage, "HALTED"), 10)
    await stage.expect("it verifies by itself", looks.done(stage, "FLATTEN", "account"), 20)
    await stage.stays("it sends nothing that could open anything", looks.silent(stage, line), 3)
    await stage.expect("all is still flat", looks.empty(stage), 1)
    await stop(stage, 70)


async def stop(stage: Stage, *codes: int) -> None:
    """Stop the node in order, wait for its exit code, and judge what it has left."""
    stage.signal(signal.SIGTERM)
    await stage.ends(*codes)
    await stage.expect("what is left has its stops, no entry works", looks.left_in_order(stage), 1)


async def lost_redis(stage: Stage) -> None:
    """Kill Redis, pulled and not pulled: new risk waits, and nothing is ever un-killed by it."""
    redis = stage.redis
    assert redis is not None, "Invariant: the drill needs it"
    await begin(stage)
    before = await stage.truth()
    await redis.kill()
    stage.log.did("redis-server was killed")
    await stage.expect("new risk is held back", looks.holding(stage, "REDIS_LOST"), 15)
    await stage.expect("positions keep their stops", looks.same_positions(stage, before), 2)
    await redis.start()
    stage.log.did("redis-server was started again")
    await stage.expect("the hold is over", looks.holding(stage, ""), 15)
    answer = await redis.cli("SET", "KILL_SWITCH", "HALT lost Redis drill")
    stage.log.did(f"redis-cli SET KILL_SWITCH 'HALT ...': {answer}")
    await stage.expect("HALTED", looks.state(stage, "HALTED"), TOLD_SEC)
    await redis.kill()
    stage.log.did("redis-server was killed")
    await stage.expect("new risk is held back, too", looks.holding(stage, "REDIS_LOST"), 15)
    await stage.stays("it stays HALTED", looks.state(stage, "HALTED"), STAYS_SEC)
    await stop(stage, 70)
    line = await stage.wire_line()
    await stage.start_node()
    await stage.expect("a node lives again, without Redis", looks.beating(stage), START_SEC)
    await stage.expect("it is HALTED", looks.state(stage, "HALTED", "KILLED_HALT"), TOLD_SEC)
    await stage.stays("it sends nothing that could open anything", looks.silent(stage, line), 3)
    await stop(stage, 70)
