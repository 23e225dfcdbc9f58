"""The watchdog's turns: judge the node, look at the venue, raise the alarm, pull the switch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from configs.secrets import SecretsError
from ops.direct.look import Held
from ops.direct.where import WhereError, from_node
from ops.notify import Notifier
from ops.watchdog.alarm import Teller
from ops.watchdog.node import NodeWatch
from ops.watchdog.pull import NAKED, SYMBOLS_MAX, Incident, Order, Puller
from ops.watchdog.venue import KeyRing, VenueWatch
from ops.watchdog.verdict import SEC, Limits, Verdict, judge
from risk.kills import KillLevel
from risk.state_dir import StateDir
from risk.trading_state import TradingState

TURN_SEC = 0.25
VENUE_SEC = 3.0
WEIGHT_PER_SEC_MAX = 20
"""How often the venue is asked; many positions less often, so that half of its weight (2,400 a minute)
is left for kills and the node."""
NODE, MANY = "node", "many"
MS_PER_SEC = 1_000


class Watchdog:
    """
    Watches one node and the venue it trades at, from a process of its own.

    Parameters
    ----------
    state : StateDir
        The node's files.
    keys : Path, optional
        A key file; by default the node's.
    notifier : Notifier
        The supervisor of this process.

    """

    def __init__(self, state: StateDir, keys: Path | None, notifier: Notifier) -> None:
        self._state = state
        self._ring = KeyRing(keys)
        self._notifier = notifier
        self._node = NodeWatch(state)
        self._teller = Teller(state, notifier)
        self._venue: VenueWatch | None = None
        self._told: tuple[Limits, Order] | None = None
        self._read_stamp: int | None = None
        self._incidents: dict[str, Incident] = {}
        self._looking: asyncio.Task[list[Held]] | None = None
        self._puller = Puller(self._teller)
        self._looked_ns = 0
        self._is_venue_away = False
        self._trouble = ""
        self._state_told = TradingState.ACTIVE.name  # What is as it should be is no news.

    @property
    def exit_code(self) -> int:
        """Return 70 when the last kill of anything has left something, else 0."""
        return self._puller.exit_code

    async def run(self, stop: asyncio.Event) -> int:
        """
        Watch until *stop*; a kill that has begun is finished first. Return the exit code.

        Raises
        ------
        SecretsError
            If the node's account has no keys here.

        """
        self._teller.event("STARTED", f"watching {self._state.path}")
        self._notifier.ready()
        try:
            while not stop.is_set():
                self._turn_safely(time.monotonic_ns())
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), TURN_SEC)
        finally:
            self._notifier.stopping()
            if self._looking is not None:
                self._looking.cancel()
            await self._puller.finish()
            self._teller.event("ENDED", "nobody watches any more")
        return self.exit_code

    def _turn_safely(self, mono_ns: int) -> None:
        """Turn; whatever goes wrong in one turn is told, and the next one comes."""
        try:
            self._turn(mono_ns)
            self._trouble = ""
        except SecretsError:
            raise
        except Exception as e:  # noqa: BLE001 - a watchdog that ends protects nobody
            if self._trouble != repr(e):
                self._trouble = repr(e)
                self._teller.event("TROUBLE", f"a turn of the watchdog failed: {e!r}")

    def _turn(self, mono_ns: int) -> None:
        self._meet_node()
        facts, spent_ns = self._node.turn(mono_ns)
        verdict, reason = Verdict.WAITING, "no node has run here"
        if self._told is not None and self._venue is not None:
            limits, order = self._told
            verdict, reason = judge(facts, limits)
            is_starting = verdict is Verdict.STARTING
            self._let_pass(spent_ns, is_starting=is_starting)
            if not is_starting:  # It may fail: what the run before has left is not over.
                self._follow(NODE, verdict.value if verdict.is_alarm else None, reason)
            self._tell_state(facts.beat)
            self._look_at_venue(mono_ns)
            self._puller.act(self._venue, self._incidents, order)
        self._teller.seen(verdict, reason, mono_ns)

    def _meet_node(self) -> None:
        """Read node.json when a node has written it; another run brings its own profile and keys."""
        try:
            stamp = self._state.node.stat().st_mtime_ns
        except OSError:
            return
        if stamp == self._read_stamp:
            return
        self._read_stamp = stamp
        try:
            where = from_node(self._state.path)
            told = where.profile["watchdog"]
            silence_ms = int(where.profile["venue"]["data_silence_sec_max"]) * MS_PER_SEC
            limits = Limits(int(told["heartbeat_ms_max"]), silence_ms)
            self._told = limits, Order(int(told["grace_sec"]), KillLevel[told["level"]])
        except (WhereError, KeyError, TypeError, ValueError) as e:
            self._teller.event("TROUBLE", f"node.json cannot be used, the one before holds: {e!r}")
            return
        self._venue = VenueWatch(*self._ring.open(where), self._say)
        self._teller.event("NODE", f"process {where.pid}, {where.mode} at {where.rest_url}")

    # -- incidents -----------------------------------------------------------------------------------

    def _follow(self, key: str, what: str | None, reason: str, symbol: str | None = None) -> None:
        """Open an incident, tell when it turns into another, and close it when *what* is None."""
        known = self._incidents.get(key)
        if what is None:
            if known is not None:
                del self._incidents[key]
                self._teller.event("CLEAR", f"{known.what} is over: {reason or 'all is well'}")
            return
        if known is None:
            known = self._incidents[key] = Incident("", "", symbol)
        if known.what != what:
            self._teller.event("ALARM", f"{what}: {reason}", verdict=what)
        known.what, known.reason = what, reason

    def _tell_state(self, beat: Mapping[str, Any] | None) -> None:
        """Tell when the node's trading state is another one: on a full disk it cannot do so itself."""
        if beat is None or not beat["state"]:
            return
        causes = ", ".join(beat["causes"])
        told = beat["state"] + (f" because {causes}" if causes else "")
        if told != self._state_told:
            self._state_told = told
            self._teller.event("STATE", f"the node is {told}")

    def _let_pass(self, spent_ns: int, *, is_starting: bool) -> None:
        """Let incidents grow older; one begins with the turn that finds it."""
        for key, incident in self._incidents.items():
            if not (is_starting and key == NODE):
                incident.waited_ns += spent_ns

    # -- the venue -----------------------------------------------------------------------------------

    def _look_at_venue(self, mono_ns: int) -> None:
        """Ask every few seconds whether each position has its stop."""
        assert self._venue is not None, "Invariant: a node is known"
        if self._looking is not None and self._looking.done():
            self._take_look(self._looking)
            self._looking = None
        pause_sec = max(VENUE_SEC, self._venue.look_weight / WEIGHT_PER_SEC_MAX)
        is_due = mono_ns - self._looked_ns >= pause_sec * SEC
        if self._looking is None and is_due and not self._puller.is_at_account:
            self._looked_ns = mono_ns
            self._looking = asyncio.create_task(self._venue.unprotected())

    def _take_look(self, task: asyncio.Task[list[Held]]) -> None:
        assert self._venue is not None, "Invariant: a node is known"
        try:
            found = {f"{held.symbol} {held.position_side}": held for held in task.result()}
        except Exception as e:  # noqa: BLE001 - whatever it was, it was no answer
            if not self._is_venue_away:
                self._teller.event("ALARM", f"the venue does not tell what is there: {e}")
            self._is_venue_away = True
            return
        self._is_venue_away = False
        for key in [k for k in self._incidents if k not in (NODE, MANY, *found)]:
            self._follow(key, None, "every position has its stop")
        for key, held in found.items():
            if self._venue.is_of_node(held.symbol):
                reason = f"observed=no stop for all of the {held}, limit=one in every look"
                self._follow(key, NAKED, reason, held.symbol)
        symbols = {i.symbol for i in self._incidents.values() if i.symbol is not None}
        is_many = len(symbols) > SYMBOLS_MAX
        many = f"observed={len(symbols)} symbols without stops, limit={SYMBOLS_MAX}"
        self._follow(MANY, NAKED if is_many else None, many)

    def _say(self, text: str) -> None:
        self._teller.event("KILL", text)
