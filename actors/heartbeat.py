"""The heartbeat: written while the loop turns, and with when the gate answered last."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import msgspec
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.config import ActorConfig
from nautilus_trader.system.kernel import NautilusKernel

from actors import measure
from actors.health import HealthProbe
from risk.gate import ENDPOINT
from risk.in_place import InPlaceFile
from risk.install import Guard
from risk.probe import GateProbe

INTERVAL_SEC = 0.25


class Beat(msgspec.Struct, frozen=True):
    """
    One heartbeat.

    ``ts_ns`` is wall-clock time. ``mono_ns`` and ``gate_mono_ns`` (when the gate answered last; None
    before it did) are ``time.monotonic_ns``, which processes of one machine share. ``feeds`` has the
    age of each symbol's newest quote, milliseconds, None where there is none; ``positions`` the
    signed quantities that are not zero; ``loop_lag_ms`` how late the loop came to this beat.
    ``is_ended`` is true in the last one of a node that has ended and left nothing behind. ``causes``
    names why the trading state is tightened: on a full disk no other file can say so.

    """

    pid: int
    seq: int
    ts_ns: int
    mono_ns: int
    gate_mono_ns: int | None
    feeds: dict[str, int | None]
    is_user_stream_up: bool | None
    state: str
    positions: dict[str, str]
    loop_lag_ms: float
    is_ended: bool = False
    causes: tuple[str, ...] = ()


class Heartbeat(Actor):  # type: ignore[misc]
    """
    Write `Beat` four times a second to one file, in place: a node whose disk is full is alive.

    A beat that cannot be taken or written is an alarm, once until one succeeds again, and no crash:
    the file then grows old, and whoever watches it acts.

    Parameters
    ----------
    path : Path
        The file.
    guard : Guard
        Whose gate is probed.
    probe : HealthProbe
        Knows whether the user stream is up.

    """

    def __init__(self, path: Path, guard: Guard, probe: HealthProbe) -> None:
        super().__init__(ActorConfig(component_id="Heartbeat"))
        self.path = path
        self.newest: Beat | None = None
        """The newest beat, whether it could be written or not; None before the first."""
        self.is_orderly = False
        """Whether the node has come to rest, so that its end is no reason to act."""
        self._judge = guard.gate.judge
        self._probe = probe
        self._gate_mono_ns: int | None = None
        self._seq = 0
        self._file = InPlaceFile()
        self._is_failing = False
        self._task: asyncio.Task[None] | None = None

    def on_start(self) -> None:
        """Begin to beat, on the loop that everything else of the node runs on."""
        self._task = asyncio.get_running_loop().create_task(self._beat_on())

    def on_stop(self) -> None:
        """Write the last beat."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.beat(is_ended=self.is_orderly)
        self._file.close()

    async def _beat_on(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            now = loop.time()
            self.beat(lag_ms=(now - due) * 1e3)
            due = max(due + INTERVAL_SEC, now)
            await asyncio.sleep(due - loop.time())

    def beat(self, *, lag_ms: float = 0.0, is_ended: bool = False) -> None:
        """Ask the gate, and write what there is to say."""
        try:
            self._ask_the_gate()
            self.newest = self._taken(lag_ms, is_ended=is_ended)
            self._file.write(self.path, msgspec.json.encode(self.newest))
            self._is_failing = False
        except Exception as e:  # noqa: BLE001 - whoever watches must not stop who trades
            self._failed(e)

    def _ask_the_gate(self) -> None:
        probe = GateProbe(self.clock.timestamp_ns())
        self.msgbus.send(ENDPOINT, probe)
        self._gate_mono_ns = probe.answered_mono_ns or self._gate_mono_ns

    def _taken(self, lag_ms: float, *, is_ended: bool) -> Beat:
        now_ns = self.clock.timestamp_ns()
        self._seq += 1
        return Beat(
            pid=os.getpid(),
            seq=self._seq,
            ts_ns=now_ns,
            mono_ns=time.monotonic_ns(),
            gate_mono_ns=self._gate_mono_ns,
            feeds={
                feed.instrument_id: feed.age_ms
                for feed in measure.feeds(self._judge, self.cache, now_ns)
            },
            is_user_stream_up=self._probe.is_user_stream_up,
            state=self._judge.state.state.name,
            positions={
                key: str(book.position_qty)
                for key, book in self._judge.account.symbols.items()
                if book.position_qty
            },
            loop_lag_ms=round(lag_ms, 3),
            is_ended=is_ended,
            causes=tuple(cause.partition(":")[0] for cause in self._judge.state.causes),
        )

    def _failed(self, error: Exception) -> None:
        self.log.exception(f"No beat in {self.path}", error)
        if not self._is_failing:
            self._is_failing = True
            text = f"HEARTBEAT_FAILED: observed={error!r}, limit=a beat every {INTERVAL_SEC} s"
            self._judge.alarm(text, self.clock.timestamp_ns())


def attach_heartbeat(kernel: NautilusKernel, guard: Guard, path: Path) -> Heartbeat:
    """Add a heartbeat to a kernel that is guarded and has its clients, before it runs."""
    heartbeat = Heartbeat(path, guard, HealthProbe(kernel))
    kernel.trader.add_actor(heartbeat)
    return heartbeat
