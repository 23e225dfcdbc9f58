"""Run a node from a profile to its report: paper, rehearsal, demo and live."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from rich.console import Console, RenderableType

from actors.live_recorder import LiveRecorder, attach_recorder
from actors.status import StatusActor, attach_status
from adapters.settings import VenueSettings
from configs.cli import BROKEN_INVARIANT, OK, TEMPORARY
from configs.local_venue import local_venue
from configs.nodes import LiveNode, build_node, load_instruments, venue_settings
from configs.profile import Profile, ProfileError
from configs.runner import new_run_dir
from configs.secrets import Credentials, Password, load_credentials, load_redis_password
from ops.checks.item import Facts, Item
from ops.checks.symbols import loaded_filters
from ops.errors import RefusedError, TemporaryError
from ops.final_state import write_final_state
from ops.kill_signals import KillSignals
from ops.logs import LostLines, log_config
from ops.node_record import note_node_ended, write_node_record
from ops.notify import Notifier
from ops.preflight import confirmation, gather, preflight, refuse_failed, show
from ops.supervised import Supervised
from ops.view import run_view
from ops.winddown import wind_down
from report.live import write_live_report
from report.terminal import summary
from risk.folder_lock import hold
from risk.kills import KillLevel
from risk.state_dir import StateDir
from risk.state_machine import StateMachine
from risk.trading_state import TradingState

GUARDED = Item("gate", is_ok=True, observed="in the node", required="no way past it")
"""What `build_node` has proved, or it would have raised."""
LOOK_SEC = 0.1
QUIET_SEC_MAX = 30


class Options(NamedTuple):
    """What the command line says beside the profile."""

    out: Path
    state: Path
    duration_sec: float | None = None
    is_check: bool = False
    venue_url: str | None = None
    keys: Path | None = None
    confirm: str | None = None
    kill_signals: KillSignals | None = None
    lost_lines: Callable[[], int] = int
    """Tells how many lines of output nobody has read so far."""


class Link(NamedTuple):
    """A node's way to its venue, and where its state lies."""

    settings: VenueSettings
    credentials: Credentials | None
    state_dir: Path
    key_file: Path | None = None
    process: asyncio.subprocess.Process | None = None
    redis_password: Password | None = None


@asynccontextmanager
async def open_link(profile: Profile, options: Options, run_dir: Path) -> AsyncIterator[Link]:
    """
    Load the keys and find the venue, which is started here if it is local and none was given.

    Raises
    ------
    ProfileError, SecretsError, VenueStartError
        If an option does not fit the mode, keys are missing, or the venue does not come up.

    """
    assert profile.venue is not None, "Invariant: every mode but a backtest has a venue"
    environment, is_paper = profile.venue.environment, profile.mode == "paper"
    has_redis = profile.kill is not None and profile.kill.redis_url is not None
    password = load_redis_password(path=options.keys) if has_redis else None
    state_dir = options.state / profile.trader_id
    if environment == "local" and options.venue_url is None:
        if options.keys is not None:
            raise ProfileError(
                f"--keys = {options.keys}: a venue that is started here makes its own"
            )
        async with local_venue(profile, run_dir) as venue:
            # Such an account ends with the run, and so does what is known about it.
            settings = venue_settings(profile, rest_url=venue.rest_url, ws_url=venue.ws_url)
            keys = None if is_paper else load_credentials("local", path=venue.keys)
            yield Link(settings, keys, run_dir, venue.keys, venue.process, password)
        return
    url = options.venue_url
    if url is not None and environment != "local":
        raise ProfileError(f"--venue = {url}: environment = {environment!r} has its own addresses")
    ws_url = None if url is None else url.replace("http", "ws", 1)
    settings = venue_settings(profile, rest_url=url, ws_url=ws_url)
    keys = None if is_paper else load_credentials(environment, path=options.keys)
    yield Link(settings, keys, run_dir if is_paper else state_dir, options.keys, None, password)


async def run_live(profile: Profile, options: Options, console: Console) -> int:
    """
    Run a node until it is told to stop, and write its report; with ``is_check`` start nothing.

    Returns
    -------
    int
        The exit code: 0, 70 or 75 (see ``run_live.py --help``).

    Raises
    ------
    ProfileError, SecretsError, RefusedError, JournalError, LockError
        If something must be set right first.
    TemporaryError, VenueStartError
        If the venue is away.
    GuardError
        If the gate could not be put in.

    """
    if profile.mode == "backtest":
        raise ProfileError("mode = 'backtest': run_live.py runs every other mode")
    run_dir = new_run_dir(options.out, profile)
    is_started, locks = False, ExitStack()
    try:
        async with open_link(profile, options, run_dir) as link:
            locks.enter_context(hold(link.state_dir))
            if options.kill_signals is not None:  # Before the folder is another one's.
                locks.callback(options.kill_signals.latch, StateDir(link.state_dir).latch)
            facts = await _judge(profile, options, link, console)
            live = build_node(
                profile, link.settings, link.credentials,
                state_dir=link.state_dir, logging=log_config(run_dir),
                redis_password=link.redis_password,
            )  # fmt: skip
            try:
                items = [loaded_filters(facts, await load_instruments(live)), GUARDED]
                if options.is_check:
                    show(items, console)
                refuse_failed(items)
                if options.is_check:
                    _tell_confirmation(facts, console)
                    return OK
                _refuse_unconfirmed(facts, options, console)
                write_node_record(
                    live, profile, link.settings, link.state_dir, key_file=link.key_file
                )
                is_started = True
                session = Session(
                    profile, live, link, run_dir, console, LostLines(options.lost_lines)
                )
                return await session.run(options.duration_sec, options.kill_signals)
            finally:
                live.guard.close()
    finally:
        locks.close()
        if not is_started:
            shutil.rmtree(run_dir)  # Nothing ran.


async def _judge(profile: Profile, options: Options, link: Link, console: Console) -> Facts:
    """Ask the venue and judge every item that needs no node."""
    facts = await gather(
        profile, link.settings, link.credentials, state_dir=link.state_dir, key_file=link.key_file
    )
    items = preflight(facts)
    if options.is_check:
        show(items, console)
    refuse_failed(items)
    return facts


def _tell_confirmation(facts: Facts, console: Console) -> None:
    if facts.profile.mode == "live":
        console.print(f'to trade: --confirm "{confirmation(facts)}"', markup=False, highlight=False)


def _refuse_unconfirmed(facts: Facts, options: Options, console: Console) -> None:
    """Let real money be traded only when a person has named account and limits."""
    if facts.profile.mode != "live":
        return
    needed, given = confirmation(facts), options.confirm
    if given is None and sys.stdin.isatty():
        given = console.input(f"This trades real money. Type {needed!r} to go on: ", markup=False)
    if given != needed:
        raise RefusedError(
            f"mode = 'live' needs --confirm {needed!r} (trader id and hash of the limits), "
            f"got {given!r}"
        )


class Session:
    """
    One life of a node: start, supervision, end, report.

    Parameters
    ----------
    profile : Profile
        What it was told to do.
    live : LiveNode
        The node; it has not been started yet.
    link : Link
        Its way to the venue.
    run_dir : Path
        Where everything about the run goes.
    console : Console
        Where a person looks.
    lost_lines : LostLines
        Tells what of it nobody has read.

    """

    def __init__(
        self, profile: Profile, live: LiveNode, link: Link, run_dir: Path, console: Console,
        lost_lines: LostLines,
    ) -> None:  # fmt: skip
        self._profile = profile
        self._kernel = live.node.kernel
        self._guard = live.guard
        self._safety = live.safety
        self._switch = live.switch
        self._link = link
        self._run_dir = run_dir
        self._console = console
        self._lost_lines = lost_lines
        self._stop = asyncio.Event()
        self._failure: tuple[int, str] | None = None
        assert profile.watchdog is not None, "Invariant: every mode but a backtest is watched"
        self._supervised = Supervised(
            Notifier(), live.safety.heartbeat, profile.watchdog.heartbeat_ms_max
        )
        self._status: StatusActor = attach_status(
            live.node, live.guard, profile,
            path=StateDir(link.state_dir).status, kills=live.switch.lines,
        )  # fmt: skip
        self._recorder: LiveRecorder = attach_recorder(live.node, live.guard, profile, run_dir)

    async def run(self, duration_sec: float | None, kill_signals: KillSignals | None) -> int:
        """
        Run for *duration_sec* seconds, or until told to stop; return the exit code.

        What *kill_signals* has noted since the process began is pulled before anything is sent.

        """
        self._obey_signals(kill_signals or KillSignals())
        if not await self._start():
            return self._end(OK, "stopped before it came up: nothing was sent")
        self._supervised.ready()
        view = asyncio.create_task(
            run_view(
                self._status, self._console, self._run_dir,
                lambda level: self._pull(level, "screen", "view"),
            )
        )  # fmt: skip
        try:
            await self._supervise(view, duration_sec)
            self._supervised.stopping()
            left = await wind_down(
                self._kernel, patience_sec=QUIET_SEC_MAX, also=self._switch.unrest
            )
            if not left:
                await self._safety.end_in_order()
        finally:
            view.cancel()
            await asyncio.gather(view, return_exceptions=True)
        state = self._guard.gate.judge.state
        write_final_state(self._kernel, state.state, self._run_dir)
        self._lost_lines.look(float("inf"))
        await self._kernel.stop_async()
        await _end_tasks()
        result = write_live_report(self._recorder)
        self._kernel.dispose()
        self._show(summary(self._run_dir))
        return self._verdict(state, left, is_breached=bool(result["check"]["breaches"]))

    def _verdict(self, state: StateMachine, left: list[str], *, is_breached: bool) -> int:
        """Say what a person has to know, the worst first, and return the exit code."""
        if is_breached:
            return self._end(BROKEN_INVARIANT, "the fills of the run break what the guard promises")
        if self._failure is not None:
            return self._end(*self._failure)
        if state.state is TradingState.HALTED:
            return self._end(BROKEN_INVARIANT, f"trading is HALTED: {'; '.join(state.causes)}")
        if left:
            return self._end(BROKEN_INVARIANT, f"left behind at the venue: {'; '.join(left)}")
        return OK

    def _end(self, code: int, text: str) -> int:
        self._show(text)
        return code

    def _show(self, what: RenderableType) -> None:
        """Print; a terminal that is gone (rich answers with SystemExit) changes no exit code."""
        with suppress(OSError, SystemExit):
            self._console.print(what)

    def _obey_signals(self, kill_signals: KillSignals) -> None:
        """Stop in order at the first signal, at once at the second; some pull the kill switch."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None, "Invariant: runs in a task"

        def on_signal() -> None:
            if self._stop.is_set():
                task.cancel()
            self._stop.set()

        orderly = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # As nohup has it.
            orderly.append(signal.SIGHUP)
        for number in orderly:
            loop.add_signal_handler(number, on_signal)
        kill_signals.pass_on(lambda level, name: self._pull(level, name, "signal"))

    def _pull(self, level: KillLevel, by: str, source: str) -> None:
        self._switch.pull(level, by=by, reason="no reason given", source=source)

    async def _start(self) -> bool:
        """
        Connect, reconcile and start the strategies; return whether that was not stopped by a signal.

        Raises
        ------
        TemporaryError
            If the venue did not answer: a node that is not connected must not look as if it ran.

        """
        starting = asyncio.create_task(self._kernel.start_async())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        starting.cancel()
        await asyncio.wait({starting})
        if self._kernel.trader.is_running:
            return True
        await self._kernel.stop_async()
        note_node_ended(self._link.state_dir)  # Nothing was sent: what rests, rests as before.
        if self._stop.is_set():
            return False
        starting.result()  # Raises what a strategy raised.
        raise TemporaryError(
            "the node did not come up: "
            f"data connected = {self._kernel.data_engine.check_connected()}, "
            f"execution connected = {self._kernel.exec_engine.check_connected()}; "
            f"see {self._run_dir}/node*.log"
        )

    async def _supervise(self, view: asyncio.Task[None], duration_sec: float | None) -> None:
        loop = asyncio.get_running_loop()
        until = None if duration_sec is None else loop.time() + duration_sec
        process = self._link.process
        while not self._stop.is_set():
            self._supervised.look()
            self._lost_lines.look(loop.time())
            if until is not None and loop.time() >= until:
                return
            if view.done():
                return  # A person has pressed the key that ends it.
            if not self._kernel.trader.is_running:
                self._failure = BROKEN_INVARIANT, "the node ended by itself: its log says why"
                return
            if process is not None and process.returncode is not None:
                self._failure = TEMPORARY, "the local venue ended: see venue.log"
                return
            await asyncio.sleep(LOOK_SEC)


async def _end_tasks() -> None:
    """End what the clients still do: the venue may be gone before they are."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
