"""
From pulling a running node's kill switch to the last cancel, and to verified flat, by each way.

A venue in a process of its own holds positions with their stops and a hundred resting entries, on one
symbol and on ten; a guarded node takes them over, and FLATTEN is pulled by a call (what signal and
screen do), by the file, by Redis (where redis-server is installed) and by ``python -m ops kill``, its
start of Python included. "flat" is the second look at the venue, the one after the stops went.

    python -m benchmarks.kill_node [--runs N] [--orders N] [--out FILE]
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import _kill_table
from benchmarks._node import guarded_node, load_profile_for, until
from benchmarks._spread import spread
from benchmarks.kill_direct import SYMBOLS, fill, venue
from configs.nodes import LiveNode, venue_settings
from configs.profile import Profile
from configs.secrets import Credentials, Password
from ops.direct.client import DirectClient
from ops.node_record import write_node_record
from risk.kills import KillLevel
from tests.redis_kit import PASSWORD, RedisServer, redis_server

FIGURES = ("last_cancel_ms", "flat_ms")


class Served(NamedTuple):
    """The venue as a node's child would be."""

    rest_url: str
    ws_url: str
    credentials: Credentials


class Scene(NamedTuple):
    """A running node, its folder, and the Redis that it hears."""

    live: LiveNode
    folder: Path
    redis: RedisServer | None


async def by_call(scene: Scene) -> None:
    scene.live.switch.pull(KillLevel.FLATTEN, by="bench", reason="a measurement", source="signal")


async def by_file(scene: Scene) -> None:
    (scene.folder / "KILL").write_text("FLATTEN a measurement")


async def by_redis(scene: Scene) -> None:
    assert scene.redis is not None, "Invariant: only where there is one"
    await asyncio.to_thread(scene.redis.cli, "SET", "KILL_SWITCH", "FLATTEN a measurement")


async def by_command(scene: Scene) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops", "kill", "FLATTEN", "--state", str(scene.folder),
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await process.wait() == 0, "the command says that it was not done"


WAYS: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "call": by_call, "file": by_file, "redis": by_redis, "command": by_command,
}  # fmt: skip


def profile_for(symbols: tuple[str, ...], redis: RedisServer | None) -> Profile:
    """Return a profile that trades nothing by itself and knows *symbols*."""
    profile = load_profile_for(
        "strategies.imbalance:BookImbalance",
        {"threshold": 0.2, "smoothing_updates": 10, "holding_secs": 15, "cooldown_secs": 10},
    )
    assert profile.kill is not None, "Invariant: a rehearsal can be killed"
    like = next(iter(profile.limits.symbols.values()))
    limits = {f"{symbol}-PERP.BINANCE": like for symbol in symbols}
    url = {} if redis is None else {"redis_url": redis.url, "redis_loss": "HOLD"}
    return profile.model_copy(
        update={
            "limits": profile.limits.model_copy(update={"symbols": limits}),
            "kill": profile.kill.model_copy(update=url),
        }
    )


async def kill_once(
    way: str, served: Served, symbols: tuple[str, ...], orders: int, redis: RedisServer | None
) -> dict[str, float]:
    """Fill a fresh venue, run a node on it, kill it, and return the times in milliseconds."""
    async with DirectClient(served.rest_url, served.credentials, lambda _: None) as client:
        await fill(client, symbols, orders)
    profile = profile_for(symbols, redis)
    password = None if redis is None else Password(PASSWORD, "the benchmark's")
    if redis is not None:
        redis.cli("FLUSHALL")
    async with guarded_node(profile, served, redis_password=password) as live:
        folder = live.guard.record.latch.path.parent
        cache, switch = live.node.kernel.cache, live.switch
        settings = venue_settings(profile, rest_url=served.rest_url, ws_url=served.ws_url)
        write_node_record(live, profile, settings, folder, key_file=None)
        working = len(symbols) + orders
        await until(lambda: len(cache.orders_open()) == working)
        began_ns = time.time_ns()
        pulling = asyncio.create_task(WAYS[way](Scene(live, folder, redis)))
        await until(lambda: switch.lines() and switch.lines()[0].flat_ns)
        await pulling
        line = switch.lines()[0]
        assert line.entries_ns is not None
        assert line.flat_ns is not None
        return {
            "last_cancel_ms": (line.entries_ns - began_ns) / 1e6,
            "flat_ms": (line.flat_ns - began_ns) / 1e6,
        }


async def measure(runs: int, orders: int) -> list[dict[str, Any]]:
    """Return a line for each way and number of symbols."""
    lines = []
    async with AsyncExitStack() as stack:
        has_redis = shutil.which("redis-server") is not None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = await stack.enter_async_context(redis_server(folder)) if has_redis else None
        for count in (1, len(SYMBOLS)):
            for way in WAYS:
                if way == "redis" and redis is None:
                    continue
                own = redis if way == "redis" else None
                rows = []
                for _ in range(runs):
                    with venue() as (url, keys):  # each with its whole request weight
                        served = Served(url, url.replace("http", "ws", 1), keys)
                        rows.append(await kill_once(way, served, SYMBOLS[:count], orders, own))
                line = {"way": way, "symbols": count, "orders": orders, "runs": runs}
                lines.append(line | {name: spread([r[name] for r in rows]) for name in FIGURES})
    return lines


def main() -> int:
    args = _kill_table.parse(__doc__, runs=10)
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[1]))
    lines = asyncio.run(measure(args.runs, args.orders))
    _kill_table.show(lines, *FIGURES, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
