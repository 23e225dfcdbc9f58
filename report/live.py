"""The report of a run against a venue, from the files that it left: recording and journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from actors.live_recorder import LiveRecorder
from actors.recorder import BalanceSample
from actors.recording import CONTROLS_FILE, RECORDING_FILE, Header, Recording, read_recording
from configs.profile import Profile
from report import artifacts
from report.page import render
from report.replay import Replay
from report.slippage import slippage
from report.tables import Rows
from risk import journal as journals
from risk.journal import JournalError
from risk.report import decisions

_UNANSWERED = frozenset({"SUBMITTED", "PENDING_UPDATE", "PENDING_CANCEL"})
_OPEN = frozenset({"ACCEPTED", "TRIGGERED", "PARTIALLY_FILLED"})


class LiveReportError(ValueError):
    """A run folder from which no report can be made; the text names the file and the reason."""


def write_live_report(recorder: LiveRecorder) -> dict[str, Any]:
    """
    End a recording and write the report of its run.

    Call it when the node has stopped, before it is disposed of and its guard is closed. Whatever
    is reported is read back from the disk, as `rebuild` would after a crash.

    Returns
    -------
    dict[str, Any]
        ``result.json`` of the run; ``check.breaches`` is what the checker found.

    Raises
    ------
    LiveReportError
        If the node recorded nothing: it did not come to start.

    """
    recorder.finish()
    return rebuild(recorder.run_dir)


def rebuild(run_dir: Path, *, journal: Path | None = None) -> dict[str, Any]:
    """
    Write artifacts and page of a run from its recording and its journal.

    Parameters
    ----------
    run_dir : Path
        The run's folder; the process that wrote it may have been killed.
    journal : Path, optional
        Where the journal lies now; default: where it lay when the run began.

    Returns
    -------
    dict[str, Any]
        ``result.json`` of the run.

    Raises
    ------
    LiveReportError
        If recording or journal cannot be read, or nothing happened that could be reported.

    """
    try:
        recording = read_recording(run_dir / RECORDING_FILE)
        profile = Profile.model_validate_json(recording.header.profile)
        run = _assembled(run_dir, recording, profile, journal)
    except ValidationError as e:
        raise LiveReportError(
            f"{run_dir / RECORDING_FILE}: its profile is of another version: {e}"
        ) from e
    except ValueError as e:
        raise LiveReportError(str(e)) from e
    artifacts.write(run, run_dir)
    render(run_dir)
    return artifacts.read_result(run_dir)


def _assembled(
    run_dir: Path, recording: Recording, profile: Profile, journal: Path | None
) -> artifacts.Run:
    header, entries, ended_ns = recording
    guard, torn = _guard_report(run_dir, header, journal)
    last = next((e for e in reversed(entries) if isinstance(e, BalanceSample)), None)
    until_ns = ended_ns or (last.ts_event if last is not None else header.started_ns)

    def live(replay: Replay) -> dict[str, Any]:
        orders = replay.rows["orders"]
        return {
            "venue": header.venue,
            "environment": None if profile.venue is None else profile.venue.environment,
            "account_id": header.account_id,
            "is_ended": ended_ns is not None,
            "journal_torn": torn,
            "events": guard["venue"],
            "protection": guard["protection"],
            "opening": len(replay.rows["opening"]),
            "unanswered": _left(orders, _UNANSWERED),
            "resting": _left(orders, _OPEN),
            "slippage": slippage(replay.rows, replay.decision_px),
        }

    return artifacts.assemble(
        entries,
        profile,
        guard,
        balances={} if last is None else {f"{header.account_id}.USDT": str(last.total)},
        strategy_ids=header.strategy_ids,
        nautilus_statistics={},
        data={"counts": []},
        run_sec=(until_ns - header.started_ns) / 1e9,
        live=live,
    )


def _left(orders: Rows, statuses: frozenset[str]) -> list[dict[str, Any]]:
    """Return the orders that the run left in one of *statuses*, as text."""
    names = (
        "client_order_id", "strategy_id", "instrument_id", "side", "order_type", "quantity",
        "filled_qty", "price", "trigger_price", "status", "ts_init",
    )  # fmt: skip
    return [
        {name: _plain(order[name]) for name in names}
        for order in orders
        if order["status"] in statuses
    ]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | str) else str(value)


def _guard_report(
    run_dir: Path, header: Header, journal: Path | None
) -> tuple[Mapping[str, Any], str | None]:
    """Return what the guard did, and why its journal could not be read to the end, if so."""
    torn: str | None = None
    found: list[dict[str, Any]] = []
    try:
        for record in _own_records(journal or Path(header.journal), header.journal_records):
            found.append(record)  # one by one: what stands before a torn line counts
    except JournalError as e:
        if not found:
            raise LiveReportError(f"{e} (name it with --journal when it has moved)") from e
        torn = str(e)
    controls_path = run_dir / CONTROLS_FILE
    controls = msgspec.json.decode(controls_path.read_bytes()) if controls_path.is_file() else []
    return {"controls": controls, **decisions(found)}, torn


def _own_records(path: Path, count_at_start: int) -> Iterator[dict[str, Any]]:
    """Yield a run's own journal records: from its profile to the next run's."""
    own: list[dict[str, Any]] = []
    stream = journals.read(path)
    for record in islice(stream, count_at_start):
        if record["type"] == "profile":
            own.clear()
        own.append(record)
    yield from own
    for record in stream:
        if record["type"] == "profile":
            return
        yield record
