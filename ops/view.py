"""Show a running node to a person: a screen on a terminal, plain lines anywhere else."""

from __future__ import annotations

import asyncio

from rich.console import Console
from rich.live import Live

from actors.status import StatusActor
from ops.events import EventLog
from ops.keys import pressed
from ops.plain import PlainLines
from ops.screen import screen

REFRESH_SEC = 1.0


async def run_view(status: StatusActor, console: Console) -> None:
    """
    Show *status* until the task is canceled or, on a terminal, ``q`` is pressed.

    It runs beside the node on the node's loop and stops nothing itself: whoever started it stops
    the node when it returns. Ctrl-C stays what it is, a signal to the process. What happened up to
    the end is shown before it returns.

    Parameters
    ----------
    status : StatusActor
        From `actors.status.attach_status`; its node may start before or after this.
    console : Console
        A terminal gets a screen of its own, redrawn once a second; anything else gets plain lines.

    """
    if console.is_terminal:
        await _run_screen(status, console)
    else:
        await _run_lines(status, console)


async def _run_lines(status: StatusActor, console: Console) -> None:
    lines = PlainLines(console)
    try:
        while True:
            lines.show(status.snapshot, status.take_notices())
            await asyncio.sleep(REFRESH_SEC)
    finally:
        lines.finish(status.snapshot, status.take_notices())


async def _run_screen(status: StatusActor, console: Console) -> None:
    events = EventLog()
    with pressed("q") as wants_stop, Live(console=console, screen=True, auto_refresh=False) as live:
        while not wants_stop.is_set():
            for notice in status.take_notices():
                events.add(notice)
            live.update(screen(status.snapshot, events, *console.size), refresh=True)
            try:
                await asyncio.wait_for(wants_stop.wait(), REFRESH_SEC)
            except TimeoutError:
                continue
