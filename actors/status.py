"""Take a snapshot of a running node every second, and keep what happened in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.config import ActorConfig
from nautilus_trader.common.events import TimeEvent
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.events import OrderEvent, PositionClosed
from nautilus_trader.system.kernel import NautilusKernel

from actors import measure
from actors.health import HealthProbe
from actors.notices import (
    Notice,
    closed_notice,
    denial_notice,
    order_notice,
    state_notice,
    venue_notice,
)
from actors.open_causes import open_causes
from actors.position_monitor import PositionMonitor
from actors.protection_lines import monitor_of, protection_line, with_protection
from actors.snapshot import DenialLine, KillLine, Snapshot
from risk.events import VENUE_TOPIC, VenueEvent
from risk.install import Guard
from risk.loop import on_loop
from risk.state_dir import replace_file

INTERVAL_NS = 1_000_000_000
DENIALS_SHOWN = 20
NOTICES_KEPT = 2_000
"""So many notices wait for a reader; the journal has them all."""


class Named(Protocol):
    """What of a profile is shown."""

    @property
    def name(self) -> str: ...

    @property
    def mode(self) -> str: ...


class StatusConfig(ActorConfig, frozen=True):
    """What a snapshot is headed with: the profile's name and mode, and the account's venue."""

    name: str
    mode: str
    venue: str


class StatusActor(Actor):
    """
    Watch a node for a person; it sends nothing and never raises into the node.

    `snapshot` is the newest snapshot, None before the first; `take_notices` hands out what
    happened since it was last called. Both belong to the node's loop.

    Parameters
    ----------
    config : StatusConfig
        What heads each snapshot.
    guard, probe
        What is watched.
    path : Path, optional
        The file that is replaced by each snapshot, as JSON.
    kills : Callable
        Returns the open kills.
    monitor : PositionMonitor, optional
        Knows how long positions were without their stops.

    """

    def __init__(
        self,
        config: StatusConfig,
        guard: Guard,
        probe: HealthProbe,
        *,
        path: Path | None = None,
        kills: Callable[[], tuple[KillLine, ...]] = tuple,
        monitor: PositionMonitor | None = None,
    ) -> None:
        super().__init__(config)
        self._monitor = monitor
        self._path = path
        self._kills = kills
        self.snapshot: Snapshot | None = None
        self._guard = guard
        self._probe = probe
        self._notices: deque[Notice] = deque(maxlen=NOTICES_KEPT)
        self._bare_since: dict[str, int] = {}
        self._told_states = 0
        self._told_alarms = 0
        self._told_denials = 0
        self._started_ns = 0

    def on_start(self) -> None:
        """Begin to watch."""
        self._started_ns = self.clock.timestamp_ns()
        # After the gate's ledger, whose books are read: it listens at a higher priority.
        self.msgbus.subscribe("events.order.*", self._harmless(self._on_order_event))
        self.msgbus.subscribe("events.position.*", self._harmless(self._on_position_event))
        self.msgbus.subscribe(VENUE_TOPIC, self._harmless(self._on_venue_event))
        self.clock.set_timer_ns(
            f"{self.id}-SNAPSHOT",
            INTERVAL_NS,
            0,
            0,
            callback=on_loop(self.clock, self._on_timer),
            fire_immediately=True,
        )

    def on_stop(self) -> None:
        """Take the last snapshot."""
        self.take()

    def take_notices(self) -> list[Notice]:
        """Return what happened since the last call, in the order of time."""
        self._look_at_the_gate()
        found = sorted(self._notices, key=lambda notice: notice.ts_ns)
        self._notices.clear()
        return found

    def take(self) -> None:
        """Take a snapshot; one that fails leaves the last one with the error in it."""
        now_ns = self.clock.timestamp_ns()
        try:
            self._watch_cover(now_ns)
            self.snapshot = self._measured(now_ns)
        except Exception as e:  # noqa: BLE001 - whoever watches must not stop who trades
            self._failed("take a snapshot", e)
            if self.snapshot is not None:
                self.snapshot = msgspec.structs.replace(self.snapshot, error=repr(e))
        if self._path is not None:
            self._harmless(self._write)(self._path)

    def _write(self, path: Path) -> None:
        if self.snapshot is not None:
            replace_file(path, msgspec.json.encode(self.snapshot))

    def _harmless(self, follow: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return *follow* as a handler that raises nothing into the node."""

        def call(event: Any) -> None:
            try:
                follow(event)
            except Exception as e:  # noqa: BLE001 - whoever watches must not stop who trades
                self._failed(f"follow {event!r}", e)

        return call

    def _failed(self, what: str, error: Exception) -> None:
        self.log.exception(f"Could not {what}", error)

    # -- events -----------------------------------------------------------------------------------

    def _on_timer(self, _event: TimeEvent) -> None:
        self.take()

    def _on_order_event(self, event: OrderEvent) -> None:
        self._watch_cover(self.clock.timestamp_ns())
        notice = order_notice(event, self.cache)
        if notice is not None:
            self._notices.append(notice)

    def _on_position_event(self, event: Any) -> None:
        if isinstance(event, PositionClosed):
            self._notices.append(closed_notice(event))

    def _on_venue_event(self, event: VenueEvent) -> None:
        self._notices.append(venue_notice(self._probe.note(event)))

    def _watch_cover(self, now_ns: int) -> None:
        """Keep since when a position lacks its stop; between events nothing can change that."""
        for key, book in self._guard.gate.judge.account.symbols.items():
            if measure.is_bare(book):
                self._bare_since.setdefault(key, now_ns)
            else:
                self._bare_since.pop(key, None)

    def _look_at_the_gate(self) -> None:
        """Take the gate's new decisions into the notices."""
        judge, record = self._guard.gate.judge, self._guard.record
        transitions = judge.state.transitions
        self._notices.extend(map(state_notice, transitions[self._told_states :]))
        self._told_states = len(transitions)
        self._notices.extend(
            Notice(ts_ns, "ALARM", text, is_bad=True)
            for ts_ns, text in judge.alarms[self._told_alarms :]
            if not self._probe.has_told(ts_ns, text)
        )
        self._told_alarms = len(judge.alarms)
        fresh = min(record.denials_total - self._told_denials, len(record.denials))
        self._notices.extend(denial_notice(record.denials[index]) for index in range(-fresh, 0))
        self._told_denials = record.denials_total

    # -- the snapshot -----------------------------------------------------------------------------

    def _measured(self, now_ns: int) -> Snapshot:
        judge, record = self._guard.gate.judge, self._guard.record
        state, kills = judge.state, self._kills()
        positions = measure.position_lines(judge, self.cache, self._bare_since, now_ns)
        if self._monitor is not None:
            positions = with_protection(positions, self._monitor, now_ns)
        return Snapshot(
            ts_ns=now_ns,
            started_ns=self._started_ns,
            name=self.config.name,
            mode=self.config.mode,
            trader_id=self.trader_id.value,
            venue=self.config.venue,
            state=state.state.name,
            causes=tuple(state.causes),
            since_ns=state.since_ns or self._started_ns,
            balance_usdt=judge.account.balance,
            equity_usdt=judge.account.equity(),
            positions=positions,
            orders=measure.order_lines(judge, self.cache, self._probe.unresolved(), now_ns),
            exposure=tuple(measure.exposure(judge)),
            rates=measure.rates(judge, now_ns),
            losses=measure.losses(judge),
            breakers=measure.breakers(judge, now_ns),
            denials=_last_denials(record.denials),
            denials_total=record.denials_total,
            health=self._probe.health(measure.feeds(judge, self.cache, now_ns)),
            journal_records=record.journal.count,
            hold=None if (hold := judge.holds.denial(now_ns)) is None else hold.text,
            journal_error=judge.journal_error,
            kills=kills,
            open_causes=tuple(open_causes(judge, positions, kills, now_ns)),
            protection=None if self._monitor is None else protection_line(self._monitor, now_ns),
        )


def _last_denials(rows: deque[dict[str, Any]]) -> tuple[DenialLine, ...]:
    shown = (rows[index] for index in range(-1, -1 - min(len(rows), DENIALS_SHOWN), -1))
    return tuple(
        DenialLine(
            ts_ns=row["ts"],
            reason=row["reason"],
            observed=row["observed"],
            limit=row["limit"],
            instrument_id=row["instrument_id"],
            strategy_id=row["strategy_id"],
            command=row["command"],
        )
        for row in shown
    )


def attach_status(
    node: TradingNode | NautilusKernel,
    guard: Guard,
    profile: Named,
    *,
    path: Path | None = None,
    kills: Callable[[], tuple[KillLine, ...]] = tuple,
) -> StatusActor:
    """
    Add a status actor to a node that is built and guarded, before it runs.

    Parameters
    ----------
    node : TradingNode or NautilusKernel
        The node, or its kernel.
    guard : Guard
        What `risk.install_guard` returned for it.
    profile : Named
        The run's profile; its name and mode head each snapshot.
    path, kills
        As for `StatusActor`.

    Returns
    -------
    StatusActor
        To be handed to `ops.view.run_view`.

    """
    kernel = node.kernel if isinstance(node, TradingNode) else node
    probe = HealthProbe(kernel)
    config = StatusConfig(name=profile.name, mode=profile.mode, venue=probe.venue)
    status = StatusActor(config, guard, probe, path=path, kills=kills, monitor=monitor_of(kernel))
    kernel.trader.add_actor(status)
    return status
