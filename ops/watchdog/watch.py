"""The watchdog's turns: judge the node, look at the venue, raise the alarm, pull the switch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.cli import OK
from configs.secrets import SecretsError
from ops.direct.client import VenueError
from ops.direct.look import Held
from ops.direct.where import WhereError, from_node
from ops.notify import Notifier
from ops.watchdog.alarm import Teller
from ops.watchdog.node import NodeWatch
from ops.watchdog.venue import KeyRing, VenueWatch
from ops.watchdog.verdict import SEC, Limits, Verdict, judge
from risk.kills import KillLevel
from risk.state_dir import StateDir

TURN_SEC = 0.25
VENUE_SEC = 3.0
"""How often the venue is asked; a position costs 5 + 2 of its weight of 2,400 a minute."""
LATER_SEC = 10
"""When a kill that had no reason is thought of again; the whole look before it costs 85."""
NODE = "node"
MS_PER_SEC = 1_000


@dataclass
class Incident:
    """Something that is wrong: what, for how long by our turns, and whether the switch was pulled."""

    what: str
    reason: str
    symbol: str | None = None
    waited_ns: int = 0
    is_pulled: bool = False
    is_told_empty: bool = False


@dataclass(frozen=True)
class Orders:
    """What the node's profile says a watchdog does."""

    limits: Limits
    grace_sec: int
    level: KillLevel


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
        self._orders: Orders | None = None
        self._read_stamp: int | None = None
        self._incidents: dict[str, Incident] = {}
        self._looking: asyncio.Task[list[Held]] | None = None
        self._pulling: asyncio.Task[None] | None = None
        self._looked_ns = 0
        self._is_venue_away = False
        self._trouble = ""
        self._state_told = ""
        self.exit_code = OK

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
            return self.exit_code
        finally:
            self._notifier.stopping()
            if self._looking is not None:
                self._looking.cancel()
            if self._pulling is not None:
                await asyncio.wait({self._pulling})
            self._teller.event("ENDED", "nobody watches any more")

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
        if self._orders is not None:
            verdict, reason = judge(facts, self._orders.limits)
            is_starting = verdict is Verdict.STARTING
            self._let_pass(spent_ns, is_starting=is_starting)
            if not is_starting:  # It may fail: what the run before has left is not over.
                self._follow(NODE, verdict.value if verdict.is_alarm else None, reason)
            self._tell_state(facts.beat)
            self._look_at_venue(mono_ns)
            self._act()
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
            self._orders = Orders(limits, int(told["grace_sec"]), KillLevel[told["level"]])
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

    def _act(self) -> None:
        """Pull the switch for what has lasted as long as the grace."""
        assert self._orders is not None, "Invariant: a node is known"
        for incident in self._incidents.values():
            is_due = incident.waited_ns >= self._orders.grace_sec * SEC
            if is_due and not incident.is_pulled and self._pulling is None:
                self._pulling = asyncio.create_task(self._pull(incident, self._orders.level))
                self._pulling.add_done_callback(self._pulled)

    async def _pull(self, incident: Incident, level: KillLevel) -> None:
        """Pull the switch if there is anything that it could stop."""
        assert self._venue is not None, "Invariant: a node is known"
        if not await self._has_reason(incident):
            assert self._orders is not None, "Invariant: a node is known"
            # Should it come back and trade, it is found.
            incident.waited_ns = (self._orders.grace_sec - LATER_SEC) * SEC
            return
        reason = f"{incident.what}: {incident.reason}"
        self._teller.event("PULL", f"{level.name}: {reason}")
        report = await self._venue.kill(level, reason, incident.symbol)
        incident.is_pulled = report.is_true  # What is left is tried again for as long as it takes.
        self.exit_code = report.exit_code
        text = "verified" if report.is_true else "NOT DONE: " + "; ".join(report.left)
        self._teller.event("KILLED" if report.is_true else "LEFT", text, report=report.row())

    async def _has_reason(self, incident: Incident) -> bool:
        """Return whether there is anything to stop; a naked position must be so now, and seen."""
        assert self._venue is not None, "Invariant: a node is known"
        if incident.symbol is not None:
            with suppress(VenueError):
                return incident.symbol in {h.symbol for h in await self._venue.unprotected()}
            return False
        look = await self._venue.whole()
        if look.orders or look.positions or look.unseen:
            return True
        if not incident.is_told_empty:
            incident.is_told_empty = True
            self._teller.event("NOTHING_TO_KILL", "no position and no order is there")
        return False

    def _pulled(self, task: asyncio.Task[None]) -> None:
        self._pulling = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._teller.event("TROUBLE", f"the switch could not be pulled: {error!r}")

    # -- the venue -----------------------------------------------------------------------------------

    def _look_at_venue(self, mono_ns: int) -> None:
        """Ask every few seconds whether each position has its stop."""
        assert self._venue is not None, "Invariant: a node is known"
        if self._looking is not None and self._looking.done():
            self._take_look(self._looking)
            self._looking = None
        is_due = mono_ns - self._looked_ns >= VENUE_SEC * SEC
        if self._looking is None and self._pulling is None and is_due:
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
        for key in [k for k in self._incidents if k not in (NODE, *found)]:
            self._follow(key, None, "every position has its stop")
        for key, held in found.items():
            if self._venue.is_of_node(held.symbol):
                reason = f"observed=no stop for all of the {held}, limit=one in every look"
                self._follow(key, "NAKED", reason, held.symbol)

    def _say(self, text: str) -> None:
        self._teller.event("KILL", text)
