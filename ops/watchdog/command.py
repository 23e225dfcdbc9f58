"""``ops watchdog``: watch a node from a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from configs.cli import BAD_CONFIGURATION, say
from configs.secrets import SecretsError
from ops.notify import Notifier
from ops.watchdog.watch import Watchdog
from risk.state_dir import StateDir


def watch(state: Path, keys: Path | None) -> int:
    """
    Watch the node of a state folder until SIGINT or SIGTERM; return the exit code.

    0: told to end. 70: told to end after a kill that left something. 78: no such folder, or no keys.

    A terminal that dies ends nothing: a watchdog goes on, and writes what it would have said there.

    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if not state.is_dir():
        return _say(f"bad configuration: --state = {state} must be a node's state folder")
    try:
        return asyncio.run(_watch(state, keys))
    except SecretsError as e:
        return _say(f"bad configuration: {e}")


async def _watch(state: Path, keys: Path | None) -> int:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return await Watchdog(StateDir(state), keys, Notifier(os.environ)).run(stop)


def _say(text: str) -> int:
    say(text, is_error=True)
    return BAD_CONFIGURATION
