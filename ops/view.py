"""Show a running node to a person: a screen on a terminal, plain lines anywhere else."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.live import Live

from actors.snapshot import Snapshot
from actors.status import StatusActor
from ops.events import EventLog
from ops.keys import pressed
from ops.logs import stderr_to
from ops.plain import PlainLines
from ops.screen import screen

REFRESH_SEC = 1.0


async def run_view(status: StatusActor, console: Console, run_dir: Path) -> None:
    """
    Show *status* until the task is canceled or, on a terminal, ``q`` is pressed.

    It runs beside the node on the node's loop and stops nothing itself: whoever started it stops
    the node when it returns. Ctrl-C stays what it is, a signal to the process. An output that is
    gone, or that cannot be drawn, ends the showing and not the run.

    Parameters
    ----------
    status : StatusActor
        From `actors.status.attach_status`; its node may start before or after this.
    console : Console
        A terminal gets a screen of its own, redrawn once a second; anything else gets plain lines.
    run_dir : Path
        Where standard error goes while the screen is up (``stderr.log``).

    """
    try:
        if console.is_terminal:
            with stderr_to(run_dir / "stderr.log"):
                await _show_screen(status, console)
        else:
            await _show_lines(status, console)
    except (Exception, SystemExit) as e:  # noqa: BLE001 - rich answers a closed pipe with SystemExit
        status.log.error(f"The view ended: {e!r}")  # noqa: TRY400 - the loop of the node goes on
        await asyncio.get_running_loop().create_future()


async def _show_lines(status: StatusActor, console: Console) -> None:
    lines = PlainLines(console)
    try:
        while True:
            lines.show(status.snapshot, status.take_notices())
            await asyncio.sleep(REFRESH_SEC)
    except asyncio.CancelledError:
        with suppress(OSError, SystemExit):
            lines.finish(status.snapshot, status.take_notices())
        raise


async def _show_screen(status: StatusActor, console: Console) -> None:
    events = EventLog()
    live = Live(console=console, screen=True, auto_refresh=False, redirect_stderr=False)
    with pressed("q") as wants_stop, live:
        while not wants_stop.is_set():
            for notice in status.take_notices():
                events.add(notice)
            # Drawing takes longer than an order may wait, and needs nothing that changes meanwhile.
            await asyncio.to_thread(_draw, live, status.snapshot, events)
            with suppress(TimeoutError):
                await asyncio.wait_for(wants_stop.wait(), REFRESH_SEC)


def _draw(live: Live, snapshot: Snapshot | None, events: EventLog) -> None:
    live.update(screen(snapshot, events, *live.console.size), refresh=True)
