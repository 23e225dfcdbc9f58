"""What the position monitor has measured, for the snapshot."""

from __future__ import annotations

import msgspec
from nautilus_trader.system.kernel import NautilusKernel

from actors.position_monitor import PositionMonitor
from actors.snapshot import PositionLine, ProtectionLine


def monitor_of(kernel: NautilusKernel) -> PositionMonitor | None:
    """Return the kernel's position monitor, None when it has none."""
    actors = kernel.trader.actors()
    return next((actor for actor in actors if isinstance(actor, PositionMonitor)), None)


def protection_line(monitor: PositionMonitor, now_ns: int) -> ProtectionLine:
    """Return the sums over all positions of the run, those that are open included."""
    rows = [*monitor.closed, *(clock.row(now_ns) for clock in monitor.clocks().values())]
    return ProtectionLine(
        positions=len(rows),
        unprotected_ms=sum(row.unprotected_ms for row in rows),
        longest_ms=max((row.longest_ms for row in rows), default=0),
        mends=sum(row.mends for row in rows),
    )


def with_protection(
    lines: tuple[PositionLine, ...], monitor: PositionMonitor, now_ns: int
) -> tuple[PositionLine, ...]:
    """Return the lines with what was measured of each position."""
    clocks = monitor.clocks()

    def measured(line: PositionLine) -> PositionLine:
        clock = clocks.get(line.instrument_id)
        if clock is None:
            return line
        row = clock.row(now_ns)
        return msgspec.structs.replace(
            line, unprotected_ms=row.unprotected_ms, longest_ms=row.longest_ms
        )

    return tuple(measured(line) for line in lines)
