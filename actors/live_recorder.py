"""Record a running node onto the disk as it goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import msgspec
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.events import OrderEvent, OrderFilled
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position
from nautilus_trader.system.kernel import NautilusKernel

from actors.recorder import OpeningOrder, OpeningPosition, Recorder, RecorderConfig
from actors.recording import CONTROLS_FILE, RECORDING_FILE, Header, RecordingFile
from risk.install import Guard
from risk.report import controls

SAMPLE_INTERVAL_NS = 5_000_000_000
"""A month of it is some 200 MB for three symbols."""


class Resolved(Protocol):
    """What of a profile is recorded."""

    @property
    def hash(self) -> str: ...

    def model_dump_json(self) -> str: ...


class LiveRecorder(Recorder):
    """
    A recorder whose entries go to ``recording.jsonl``, and the gate's tallies beside them.

    What was open before the run is recorded first; the price is sampled when an order is made too,
    so that its fill can be compared with it.

    Parameters
    ----------
    config : RecorderConfig
        What to sample, and how often.
    file : RecordingFile
        Where entries go.
    header : Callable[[], Header]
        Makes the header when the run begins.
    guard : Guard
        Whose tallies are kept.

    """

    def __init__(
        self,
        config: RecorderConfig,
        file: RecordingFile,
        header: Callable[[], Header],
        guard: Guard,
    ) -> None:
        super().__init__(config, file)
        self.run_dir = file.path.parent
        self._file = file
        self._header = header
        self._guard = guard

    def on_start(self) -> None:
        """Record what is there already, and begin to listen."""
        self._file.begin(self._header())
        now_ns = self.clock.timestamp_ns()
        for position in self.cache.positions_open():
            self.entries.append(_opening_position(position, now_ns))
        for order in (*self.cache.orders_open(), *self.cache.orders_inflight()):
            self._add_opening_order(order, now_ns)
        super().on_start()

    def finish(self) -> None:
        """Take the last sample and end the recording; call it once, when the node has stopped."""
        super().finish()
        self._file.end(self.clock.timestamp_ns())

    def sample(self, ts_event: int) -> None:
        """Sample prices and balance, and keep the gate's tallies as they are by then."""
        super().sample(ts_event)
        self._write_controls()

    def _on_order_event(self, event: OrderEvent) -> None:
        try:
            if event.client_order_id not in self._known:
                self._add_price(event.instrument_id)
            super()._on_order_event(event)
        except Exception as e:  # noqa: BLE001 - whoever records must not stop who trades
            self._failed(event, e)

    def _failed(self, event: OrderEvent, error: Exception) -> None:
        self.log.exception(f"Could not record {event!r}", error)

    def _add_opening_order(self, order: Order, now_ns: int) -> None:
        """Repeat how an open order came to be; what it has filled by now is said apart."""
        self._known.add(order.client_order_id)
        for event in order.events:
            if not isinstance(event, OrderFilled):
                self.entries.append(event)
        filled_qty = order.filled_qty.as_decimal()
        self.entries.append(OpeningOrder(now_ns, order.client_order_id.value, filled_qty))

    def _write_controls(self) -> None:
        """Replace the file with the gate's tallies: whoever reads it reads a whole one."""
        rows = controls(self._guard.gate.judge)
        path = self.run_dir / CONTROLS_FILE
        scratch = path.with_suffix(".tmp")
        try:
            scratch.write_bytes(msgspec.json.encode(rows))
            os.replace(scratch, path)
        except OSError as e:
            self.log.warning(f"{path}: cannot be written: {e}")


def _opening_position(position: Position, now_ns: int) -> OpeningPosition:
    return OpeningPosition(
        ts_event=now_ns,
        position_id=position.id.value,
        strategy_id=position.strategy_id.value,
        instrument_id=position.instrument_id.value,
        signed_qty=position.signed_decimal_qty(),
        avg_px=Decimal(str(position.avg_px_open)),
    )


def attach_recorder(
    node: TradingNode | NautilusKernel,
    guard: Guard,
    profile: Resolved,
    run_dir: Path,
    *,
    sample_interval_ns: int = SAMPLE_INTERVAL_NS,
) -> LiveRecorder:
    """
    Add a recorder to a node that is built and guarded, before it runs.

    Parameters
    ----------
    node : TradingNode or NautilusKernel
        The node, or its kernel.
    guard : Guard
        What `risk.install_guard` returned for it.
    profile : Resolved
        The run's profile.
    run_dir : Path
        An empty folder for what is recorded.
    sample_interval_ns : int
        Time between two samples of prices and balance, nanoseconds.

    Raises
    ------
    OSError
        If *run_dir* holds a recording already, or cannot be written.

    """
    kernel = node.kernel if isinstance(node, TradingNode) else node
    journal = guard.record.journal

    def header() -> Header:
        account = next(iter(kernel.cache.accounts()), None)
        return Header(
            started_ns=kernel.clock.timestamp_ns(),
            profile=profile.model_dump_json(),
            profile_hash=profile.hash,
            strategy_ids=[str(strategy_id) for strategy_id in kernel.trader.strategy_ids()],
            venue=", ".join(str(client_id) for client_id in kernel.exec_engine.registered_clients),
            account_id=str(account.id) if account is not None else "unknown",
            journal=str(journal.path.resolve()),
            journal_records=journal.count,
        )

    recorder = LiveRecorder(
        RecorderConfig(
            instrument_ids=tuple(map(InstrumentId.from_str, guard.gate.judge.limits.symbols)),
            sample_interval_ns=sample_interval_ns,
        ),
        RecordingFile(run_dir / RECORDING_FILE),
        header,
        guard,
    )
    kernel.trader.add_actor(recorder)
    return recorder
