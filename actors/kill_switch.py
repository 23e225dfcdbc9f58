"""The kill switch inside a node: takes every pull, and does what it asks for until it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.config import ActorConfig

from actors.clearing import Broom, Look, Sweep
from actors.kill_file import KillFile
from actors.kill_redis import RedisSwitch
from actors.snapshot import KillLine
from risk.gate import RiskGate
from risk.kills import ACCOUNT, Kill, KillLevel, Scope, aimed, at_account
from risk.state_dir import StateDir, replace_file
from risk.trading_state import TradingState, Transition

LOOK_SEC = 0.05
"""How often the file is looked at, and what is left."""
ALARM_NS = 5_000_000_000
"""How often it is said that something cannot be brought to rest."""
LOOK_PAUSES_SEC = (0.25, 0.5, 1.0, 2.0, 5.0)
"""How long the venue is left alone after each look that still found something."""


class Flattening:
    """How far a FLATTEN has come."""

    def __init__(self, kill: Kill, sweep: Sweep) -> None:
        self.kill = kill
        self.sweep = sweep
        self.is_flat = False
        """Whether the venue has shown that all is closed, so that the stops may go."""
        self.flat_ns: int | None = None
        self.left: list[str] = []
        self.looks = 0
        self.due_ns = 0
        self.told_ns = kill.ts_ns


class KillSwitch(Actor):  # type: ignore[misc]
    """
    Cancels entries when the state is tightened, and flattens what a kill says.

    Whatever tightens it (a kill by any way, or a breaker), working entries in scope are canceled.
    FLATTEN cancels targets and closes positions, asks the venue until it shows neither, cancels the
    stops, and asks once more. It is tried until it is true; what is left is an alarm every 5 s.

    Parameters
    ----------
    gate : RiskGate
        Of the node.
    state_dir : StateDir
        Where the file is that pulls it, and where it writes how far it has come.
    level : KillLevel
        What a bare pull means.
    look : Callable, optional
        Asks the venue; None where the cache is the venue (paper).
    strategies : Mapping[str, str]
        The instrument id that each strategy trades.
    redis : RedisSwitch, optional
        Another way to be pulled.

    """

    def __init__(
        self,
        gate: RiskGate,
        state_dir: StateDir,
        level: KillLevel,
        *,
        look: Look | None,
        strategies: Mapping[str, str],
        redis: RedisSwitch | None = None,
    ) -> None:
        super().__init__(ActorConfig(component_id="KillSwitch"))
        self.level = level
        self._gate = gate
        self._state_dir = state_dir
        self._file = KillFile(state_dir.kill, level)
        self._look = look
        self._strategies = dict(strategies)
        self._redis = redis
        self._flattenings: dict[Scope, Flattening] = {}
        self._entries_ns: dict[Kill, int] = {}
        self._told: tuple[KillLine, ...] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_woken = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._broom: Broom | None = None

    # -- being pulled -------------------------------------------------------------------------------

    def pull(
        self, level: KillLevel, *, by: str, reason: str, source: str, scope: Scope = ACCOUNT
    ) -> None:
        """Pull the switch, from the node's loop."""
        self.take(Kill(level, scope, by, reason, source, self.clock.timestamp_ns()))

    def take(self, kill: Kill) -> None:
        """Take a pull from whichever way it came; pulling twice stops nothing more."""
        self._gate.judge.kill(kill)

    # -- life ---------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Look before any strategy starts, then keep looking."""
        self._loop = asyncio.get_running_loop()
        self._broom = Broom(self._gate, self.cache)
        judge = self._gate.judge
        judge.on_transition = _also(judge.on_transition, self._on_transition)
        judge.unfinished = self._unfinished
        self.msgbus.subscribe("events.order.*", self._on_order_event)
        self.look()
        self._run(self._keep_looking())
        if self._redis is not None:
            self._redis.begin(self._aimed)
            self._run(self._redis.run())

    def on_stop(self) -> None:
        """Stop looking; what the latch holds goes on with the next start."""
        self.msgbus.unsubscribe("events.order.*", self._on_order_event)
        for task in self._tasks:
            task.cancel()
        self._loop = None

    def _run(self, work: Any) -> None:
        assert self._loop is not None, "Invariant: only a running switch has work"
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        """Halt when a way to be pulled has ended by itself."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    async def _keep_looking(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_SEC)

    def look(self) -> None:
        """Look at the file and at what is left; a switch that fails halts, and looks again."""
        try:
            kill = self._file.look(self.clock.timestamp_ns())
            if kill is not None:
                # The file is this node's, so that it means something.
                self.take(self._aimed(kill) or at_account(kill))
            self._tend()
        except Exception as e:  # noqa: BLE001 - whoever cannot stop must not let in more
            self._failed(e)

    def _aimed(self, kill: Kill) -> Kill | None:
        """Return the kill with its scope as it is called here, None when that names nothing here."""
        held = {position.instrument_id.value for position in self.cache.positions_open()}
        return aimed(kill, held.union(self._gate.judge.limits.symbols), self._strategies)

    def _failed(self, error: BaseException) -> None:
        self.log.exception(f"The kill switch failed in {self._state_dir.path}", error)
        cause = f"KILL_SWITCH_BROKEN: observed={error!r}, limit=a switch that works"
        self._gate.judge.trip(TradingState.HALTED, cause, self.clock.timestamp_ns())

    def _on_transition(self, _transition: Transition) -> None:
        if self._redis is not None:
            self._redis.note_latch()
        self._wake()

    def _on_order_event(self, _event: Any) -> None:
        if self._is_tightened():
            self._wake()

    def _wake(self) -> None:
        """Tend as soon as what happens now is over."""
        if self._loop is not None and not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._tend_now)

    def _tend_now(self) -> None:
        self._is_woken = False
        if self._loop is not None:
            self.look()

    # -- what it does -------------------------------------------------------------------------------

    def _is_tightened(self) -> bool:
        state = self._gate.judge.state
        return bool(state.kills) or state.state is not TradingState.ACTIVE

    def _tend(self) -> None:
        now_ns = self.clock.timestamp_ns()
        if self._is_tightened():
            self._cancel_entries(now_ns)
            self._flatten(now_ns)
            assert self._broom is not None, "Invariant: started"
            self._broom.forget()
        self._tell()

    def _cancel_entries(self, now_ns: int) -> None:
        state = self._gate.judge.state
        assert self._broom is not None, "Invariant: started"
        entries = [
            order
            for order in dict.fromkeys(self.cache.orders_open() + self.cache.orders_inflight())
            if not order.is_reduce_only
        ]
        for order in entries:
            governing, _ = state.governing(order.instrument_id.value, order.strategy_id.value)
            if governing is not TradingState.ACTIVE:
                self._broom.cancel(order, now_ns)
        self._entries_ns = {
            kill: self._entries_ns.get(kill, now_ns)
            for kill in state.kills
            if not any(
                kill.scope.covers(o.instrument_id.value, o.strategy_id.value) for o in entries
            )
        }

    def _flatten(self, now_ns: int) -> None:
        kills = {kill.scope: kill for kill in self._gate.judge.state.kills if kill.flattens}
        for scope in self._flattenings.keys() - kills.keys():
            del self._flattenings[scope]
        for scope, kill in kills.items():
            known = self._flattenings.get(scope)
            if known is None or (known.kill != kill and known.flat_ns is not None):
                known = self._flattenings[scope] = Flattening(kill, self._sweep(scope))
            elif known.kill != kill:  # It goes on; what verifies this pull is asked after it.
                known.kill, known.is_flat = kill, False
            self._work(known, now_ns)

    def _sweep(self, scope: Scope) -> Sweep:
        assert self._broom is not None, "Invariant: started"
        instruments = None
        if scope.kind == "symbol":
            instruments = frozenset({scope.name})
        elif scope.kind == "strategy":
            instruments = frozenset({self._strategies.get(scope.name, "")})
        return Sweep(scope, instruments, broom=self._broom, gate=self._gate, cache=self.cache)

    def _work(self, flattening: Flattening, now_ns: int) -> None:
        sweep = flattening.sweep
        left = sweep.work(now_ns)
        if left:
            flattening.is_flat = False
        elif flattening.is_flat:
            left = sweep.cancel_stops(now_ns)
        if left:
            flattening.left, flattening.flat_ns = left, None
        elif flattening.flat_ns is None and now_ns >= flattening.due_ns:
            self._verify(flattening, now_ns)
        if flattening.flat_ns is None and now_ns - flattening.told_ns >= ALARM_NS:
            flattening.told_ns = now_ns
            seen = "; ".join(flattening.left[:5]) or "not verified at the venue"
            self._gate.judge.alarm(
                f"KILL_UNFINISHED: observed={seen}, limit=flat and no orders in "
                f"{flattening.kill.scope}", now_ns,
            )  # fmt: skip

    def _verify(self, flattening: Flattening, now_ns: int) -> None:
        """Ask the venue, once at a time; where the cache is the venue it has just answered."""
        if self._look is None:
            self._take_look(flattening, [])
            return
        pause = LOOK_PAUSES_SEC[min(flattening.looks, len(LOOK_PAUSES_SEC) - 1)]
        flattening.looks += 1
        flattening.due_ns = now_ns + 3_600_000_000_000  # until it has answered
        self._run(self._ask(flattening, pause))

    async def _ask(self, flattening: Flattening, pause_sec: float) -> None:
        assert self._look is not None, "Invariant: only a venue is asked"
        is_last = flattening.is_flat
        try:
            look = await self._look()
            left = flattening.sweep.shown(look, stops_too=is_last)
            if flattening.sweep.shown(look, stops_too=False):
                flattening.is_flat = False  # what has opened since needs its stop
            left += flattening.sweep.work(self.clock.timestamp_ns())  # what came while it was asked
        except Exception as e:  # noqa: BLE001 - not knowing is not being flat
            left = [f"the venue does not answer: {e!r}"]
        now_ns = self.clock.timestamp_ns()
        flattening.due_ns = now_ns + (int(pause_sec * 1e9) if left else 0)
        self._take_look(flattening, left)
        self._wake()

    def _take_look(self, flattening: Flattening, left: list[str]) -> None:
        flattening.left = left
        if left:
            return
        flattening.looks = 0
        if not flattening.is_flat:
            flattening.is_flat = True  # now the stops
            self._wake()
            return
        if flattening.flat_ns is None:
            flattening.flat_ns = self.clock.timestamp_ns()
            took_ms = (flattening.flat_ns - flattening.kill.ts_ns) / 1e6
            self._gate.judge.alarm(
                f"KILL_DONE: observed=flat and no orders after {took_ms:.0f} ms, limit="
                f"{flattening.kill.level.name} of {flattening.kill.scope}; the node stays up and "
                "takes no new risk until a person resumes", flattening.flat_ns,
            )  # fmt: skip

    # -- what it tells ------------------------------------------------------------------------------

    def lines(self) -> tuple[KillLine, ...]:
        """Return the open kills, and how far each has come."""
        return tuple(self._line(kill) for kill in self._gate.judge.state.kills)

    def unrest(self) -> list[str]:
        """Return what a FLATTEN has still to do before the node may end."""
        return [
            f"FLATTEN of {scope}: {'; '.join(f.left[:3]) or 'not verified'}"
            for scope, f in self._flattenings.items()
            if f.flat_ns is None
        ]

    def _unfinished(self) -> list[Kill]:
        kills = self._gate.judge.state.kills
        return [kill for kill in kills if kill.flattens and self._line(kill).flat_ns is None]

    def _line(self, kill: Kill) -> KillLine:
        flattening = self._flattenings.get(kill.scope)
        own = flattening if flattening is not None and flattening.kill == kill else None
        return KillLine(
            kill.level.name, str(kill.scope), kill.by, kill.reason, kill.source, kill.ts_ns,
            entries_ns=self._entries_ns.get(kill),
            flat_ns=None if own is None else own.flat_ns,
            left=() if own is None or own.flat_ns is not None else tuple(own.left),
        )  # fmt: skip

    def _tell(self) -> None:
        lines = self.lines()
        if lines == self._told:
            return
        self._told = lines
        try:
            replace_file(self._state_dir.kills, msgspec.json.encode(lines))
        except OSError as e:
            self.log.error(f"{self._state_dir.kills}: cannot be written: {e}")  # noqa: TRY400


def _also(
    first: Callable[[Transition], None], second: Callable[[Transition], None]
) -> Callable[[Transition], None]:
    def call(transition: Transition) -> None:
        first(transition)
        second(transition)

    return call
