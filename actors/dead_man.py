"""The dead man's switch: the venue cancels working orders unless this node renews its countdown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.config import ActorConfig

from actors.heartbeat import Beat, Heartbeat
from risk.events import VenueEvent, VenueEventKind, publish_venue_event
from risk.judge import Judge

NS_PER_SEC = 1_000_000_000
MS_PER_SEC = 1_000
BEAT_AGE_SEC_MAX = 2.0
"""A beat, or an answer of the gate, that is older than this is none: eight are due in that time."""
TRIES_A_REARM = 5
"""A countdown that was not renewed when it was due is tried again this often in the same time,
until it has run out: asked on and on like that, a venue that refuses would take the weight of a minute."""

Arm = Callable[[str, int], Awaitable[None]]
"""Lets the countdown of an instrument id run for so many milliseconds; 0 disarms it."""


class Countdowns(NamedTuple):
    """
    How the countdowns run.

    Parameters
    ----------
    countdown_sec : float
        After so long without a word the venue cancels, seconds (> ``rearm_sec``).
    rearm_sec : float
        How often each is started anew, seconds (> 0).
    feed_age_ms_max : int
        Age of a symbol's newest quote from which on its data do not flow, milliseconds.

    """

    countdown_sec: float
    rearm_sec: float
    feed_age_ms_max: int


@dataclass(slots=True)
class _Line:
    """The countdown of one symbol; times are those of the loop, seconds."""

    due_sec: float = 0.0
    fires_sec: float | None = None
    """When it fires at the earliest: counted from when the request that was answered had left."""
    unarmed_sec: float | None = None
    """Since when it should run and never did; None when it has, or when that was told."""
    held_back: str = ""
    task: asyncio.Task[None] | None = None


class DeadMan(Actor):  # type: ignore[misc]
    """
    Renew the venue's countdown of every symbol while the heart beats, and only then.

    The heart of a symbol beats while the loop turns, the gate answers, the user stream is up and
    the symbol's prices flow. A countdown that may have fired is told as ``COUNTDOWN_FIRED``: entries
    are gone then and stops may be, so that whoever keeps stops has to look.

    Parameters
    ----------
    instrument_ids : Iterable[str]
        The symbols of the profile.
    countdowns : Countdowns
        How they run.
    arm : Arm
        The way to the venue.
    heartbeat : Heartbeat
        Of this node.
    judge : Judge
        Takes alarms.

    """

    def __init__(
        self,
        instrument_ids: Iterable[str],
        countdowns: Countdowns,
        arm: Arm,
        heartbeat: Heartbeat,
        judge: Judge,
    ) -> None:
        super().__init__(ActorConfig(component_id="DeadMan"))
        self._lines = {instrument_id: _Line() for instrument_id in instrument_ids}
        self._countdowns = countdowns
        self._arm = arm
        self._heartbeat = heartbeat
        self._judge = judge
        self._task: asyncio.Task[None] | None = None

    def on_start(self) -> None:
        """Begin to arm, on the node's loop."""
        loop = asyncio.get_running_loop()
        for line in self._lines.values():
            line.unarmed_sec = loop.time()
        self._task = loop.create_task(self._rearm_on())

    def on_stop(self) -> None:
        """Renew nothing more; what was not disarmed runs out at the venue."""
        self._halt()

    def fires_in_sec(self) -> dict[str, float | None]:
        """Return after how many seconds each countdown would fire; None: it does not run."""
        now = asyncio.get_running_loop().time()
        return {
            key: None if line.fires_sec is None else line.fires_sec - now
            for key, line in self._lines.items()
        }

    async def disarm(self) -> None:
        """
        End the countdowns: what rests at the venue is meant to stay there.

        One that cannot be ended is an alarm; it runs out at the venue.

        """
        asking = self._halt()
        if asking:  # One that arrived after the end would start the countdown anew.
            await asyncio.wait(asking)
        for key, line in self._lines.items():
            if line.fires_sec is None:
                continue
            try:
                await self._arm(key, 0)
                line.fires_sec = None
            except Exception as e:  # noqa: BLE001 - whatever it was, the node ends all the same
                seen = f"{key}: {e!r}"
                self._alarm(f"COUNTDOWN_NOT_DISARMED: observed={seen}, limit=disarmed at the end")

    def _halt(self) -> list[asyncio.Task[None]]:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        return [task for task in tasks if not task.done()]

    # -- the countdowns -----------------------------------------------------------------------------

    async def _rearm_on(self) -> None:
        while True:
            try:
                self.look()
            except Exception as e:  # noqa: BLE001 - a switch that is not renewed cancels entries
                self._failed(e)
            await asyncio.sleep(self._retry_sec / 2)

    def _failed(self, error: Exception) -> None:
        self.log.exception(f"Could not look at {list(self._lines)}", error)

    @property
    def _retry_sec(self) -> float:
        return self._countdowns.rearm_sec / TRIES_A_REARM

    def look(self) -> None:
        """Tell which countdown may have fired, and renew those that are due."""
        loop = asyncio.get_running_loop()
        now, beat = loop.time(), self._heartbeat.newest
        for key, line in self._lines.items():
            self._tell_fired(key, line, now)
            self._tell_unarmed(key, line, now)
            if now < line.due_sec or (line.task is not None and not line.task.done()):
                continue
            held_back = self._why_not(key, beat)
            if held_back:
                if not line.held_back:
                    self.log.warning(f"The countdown of {key} is not renewed: {held_back}")
                line.held_back, line.due_sec = held_back, now + self._retry_sec
            else:
                line.held_back = ""
                line.task = loop.create_task(self._renew(key, line))

    def _tell_fired(self, key: str, line: _Line, now: float) -> None:
        if line.fires_sec is None or now < line.fires_sec:
            return
        why = line.held_back or "not renewed in time"
        line.fires_sec = None
        seen = f"{key}: {why}"
        limit = f"renewed within {self._countdowns.countdown_sec:g} s"
        event = VenueEvent(
            VenueEventKind.COUNTDOWN_FIRED, seen, limit, self.clock.timestamp_ns(),
            instrument_id=key,
        )  # fmt: skip
        publish_venue_event(self.msgbus, event)

    def _tell_unarmed(self, key: str, line: _Line, now: float) -> None:
        """Raise the alarm when a countdown has never begun in the time in which it would have fired."""
        if line.unarmed_sec is None or now - line.unarmed_sec < self._countdowns.countdown_sec:
            return
        line.unarmed_sec = None
        limit = f"armed within {self._countdowns.countdown_sec:g} s"
        self._alarm(f"COUNTDOWN_NOT_ARMED: observed={key}: {line.held_back}, limit={limit}")

    async def _renew(self, key: str, line: _Line) -> None:
        loop = asyncio.get_running_loop()
        sent = loop.time()
        line.due_sec = sent + self._retry_sec  # if this does not succeed
        try:
            await self._arm(key, int(self._countdowns.countdown_sec * MS_PER_SEC))
        except Exception as e:  # noqa: BLE001 - refused or unanswered: the countdown goes on
            line.held_back = f"refused or unanswered: {e!r}"
            line.due_sec = loop.time() + self._pause_sec(line)
            self.log.warning(f"The countdown of {key} was not renewed: {e!r}")
            return
        self._tell_fired(key, line, loop.time())  # perhaps on the way: then it began anew
        line.unarmed_sec, line.fires_sec = None, sent + self._countdowns.countdown_sec
        line.due_sec = sent + self._countdowns.rearm_sec

    def _pause_sec(self, line: _Line) -> float:
        """Return when to try again: there is haste only while the countdown runs, or may yet begin."""
        is_hasty = line.fires_sec is not None or line.unarmed_sec is not None
        return self._retry_sec if is_hasty else self._countdowns.rearm_sec

    def _why_not(self, key: str, beat: Beat | None) -> str:
        """Return why the heart of a symbol does not beat, an empty text when it does."""
        if beat is None or _age_sec(beat.mono_ns) > BEAT_AGE_SEC_MAX:
            return "no heartbeat"
        if beat.gate_mono_ns is None or _age_sec(beat.gate_mono_ns) > BEAT_AGE_SEC_MAX:
            return "the gate does not answer"
        if beat.is_user_stream_up is False:
            return "the user stream is down"
        age_ms = beat.feeds.get(key)
        if age_ms is None or age_ms > self._countdowns.feed_age_ms_max:
            return f"its newest quote is {'unknown' if age_ms is None else f'{age_ms} ms old'}"
        return ""

    def _alarm(self, text: str) -> None:
        self._judge.alarm(text, self.clock.timestamp_ns())


def _age_sec(mono_ns: int) -> float:
    return (time.monotonic_ns() - mono_ns) / NS_PER_SEC
