"""Show a running node to a person: a screen on a terminal, plain lines anywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.live import Live

from actors.snapshot import Snapshot
from actors.status import StatusActor
from ops.events import EventLog
from ops.keys import pressed
from ops.kill_keys import HELP, KillKeys
from ops.logs import stderr_to
from ops.plain import PlainLines
from ops.screen import screen
from risk.kills import KillLevel

REFRESH_SEC = 1.0


async def run_view(
    status: StatusActor,
    console: Console,
    run_dir: Path,
    pull: Callable[[KillLevel], None] | None = None,
) -> None:
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
    pull : Callable, optional
        Pulls the kill switch: then the screen has keys for it.

    """
    try:
        if console.is_terminal:
            with stderr_to(run_dir / "stderr.log"):
                await _show_screen(status, console, pull)
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


async def _show_screen(
    status: StatusActor, console: Console, pull: Callable[[KillLevel], None] | None
) -> None:
    events, wants_stop, is_pressed = EventLog(), asyncio.Event(), asyncio.Event()
    live = Live(console=console, screen=True, auto_refresh=False, redirect_stderr=False)
    keys = None if pull is None else KillKeys(pull, asyncio.get_running_loop().time)

    def on_key(key: str) -> None:
        is_pressed.set()
        if key == "q":
            wants_stop.set()
        elif keys is not None:
            keys.press(key)

    with pressed(on_key), live:
        while not wants_stop.is_set():
            is_pressed.clear()
            for notice in status.take_notices():
                events.add(notice)
            # Drawing takes longer than an order may wait, and needs nothing that changes meanwhile.
            told = "" if keys is None else keys.question or HELP
            await asyncio.to_thread(_draw, live, status.snapshot, events, told)
            with suppress(TimeoutError):
                await asyncio.wait_for(is_pressed.wait(), REFRESH_SEC)


def _draw(live: Live, snapshot: Snapshot | None, events: EventLog, keys: str) -> None:
    live.update(screen(snapshot, events, *live.console.size, keys), refresh=True)
