"""What the gate writes down: the journal of decisions, and the latch of the trading state."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

import msgspec
from nautilus_trader.core.message import Command

from risk.decision import Denial, plain
from risk.events import VenueEvent
from risk.figures import Figures
from risk.intent import AmendIntent, OrderIntent
from risk.journal import Journal, JournalError
from risk.judge import Judge
from risk.keep import Keep, KeepError
from risk.kills import ACCOUNT, aimed
from risk.latch import Latch, LatchError, LatchView
from risk.trading_state import TradingState, Transition

DENIALS_KEPT = 100_000
"""So many denials are kept for the report; all of them are in the journal."""


class OrderRow(msgspec.Struct, omit_defaults=True):
    """An approved order in the journal; quantities in base, prices in quote units."""

    client_order_id: str
    strategy_id: str
    instrument_id: str
    side: str
    quantity: Decimal
    order_type: str
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reduce_only: bool = False
    parent_id: str | None = None
    trigger_type: str | None = None


class FillRow(msgspec.Struct):
    """
    A fill in the journal; *fee_usdt* is positive when it was paid.

    *trade_id* is the venue's, unique for each instrument: a node that takes an order over after a
    restart may write its fills down once more.

    """

    client_order_id: str
    trade_id: str
    strategy_id: str
    instrument_id: str
    side: str
    quantity: Decimal
    price: Decimal
    fee_usdt: Decimal


class PositionRow(msgspec.Struct):
    """A position that was there when a node took over; *quantity* is signed base units."""

    strategy_id: str
    instrument_id: str
    quantity: Decimal
    avg_px: Decimal


class ProtectionRow(msgspec.Struct):
    """
    How long a position that is closed now was without its full stop, in all and at once.

    Times are Unix nanoseconds and milliseconds; *mends* counts what the monitor sent for it.

    """

    instrument_id: str
    strategy_id: str
    opened_ns: int
    closed_ns: int
    unprotected_ms: int
    longest_ms: int
    mends: int
    causes: tuple[str, ...]


class Record:
    """
    Journal and latch of one kernel.

    Parameters
    ----------
    journal : Journal
        Where each decision goes before it takes effect.
    latch : Latch
        Where the trading state is kept; the figures that outlive a run lie beside it.
    is_persistent : bool
        Whether the latch outlives the run: it does with real time, not in a backtest.

    """

    def __init__(self, journal: Journal, latch: Latch, *, is_persistent: bool) -> None:
        self.journal = journal
        self.latch = latch
        self.denials: deque[dict[str, Any]] = deque(maxlen=DENIALS_KEPT)
        self.denials_total = 0
        self.is_persistent = is_persistent
        self.keep = Keep(latch.path.with_name("figures.json"))
        self.figures: Figures | None = None
        self._unwritten: tuple[str, str] | None = None  # by whom and why, of a latch that is behind

    def attach(self, judge: Judge, profile: dict[str, Any], profile_hash: str, now_ns: int) -> None:
        """Open the record: the resolved profile first, then the state that the latch holds."""
        is_first_start = self.journal.is_new
        self.journal.append("profile", now_ns, {"hash": profile_hash, "profile": profile})
        judge.on_transition = lambda transition: self._on_transition(judge, transition)
        judge.on_alarm = lambda ts_ns, text: self._on_alarm(judge, ts_ns, text)
        if self.is_persistent:
            self._open_latch(judge, now_ns, is_first_start=is_first_start)
            self._open_keep(judge, now_ns, is_first_start=is_first_start)

    def _open_latch(self, judge: Judge, now_ns: int, *, is_first_start: bool) -> None:
        """Obey the latch; one that was there once and is gone may have been a halt."""
        if self.latch.exists():
            view = self._read_latch(judge, now_ns)
            if view is not None and view.resumed:
                self._note_resumed(judge, view, now_ns)
        elif is_first_start:
            self._write_latch(judge, by="install_guard", reason="first start", ts_ns=now_ns)
        else:
            cause = f"LATCH_MISSING: observed=no {self.latch.path.name}, limit=the one of before"
            judge.trip(TradingState.HALTED, cause, now_ns)

    def _open_keep(self, judge: Judge, now_ns: int, *, is_first_start: bool) -> None:
        """Read what losses are measured from; figures that are gone may have been a loss."""
        try:
            if is_first_start and not self.keep.path.exists():
                self.keep.write(None)
            self.figures = self.keep.read()
        except KeepError as e:
            cause = f"FIGURES_UNREADABLE: observed={e}, limit=the day's loss as it was"
            judge.trip(TradingState.HALTED, cause, now_ns)

    def keep_figures(self, judge: Judge, now_ns: int) -> None:
        """Write down what the next run measures from."""
        figures = judge.figures()
        if figures is None:
            return
        try:
            self.keep.write(figures)
        except KeepError as e:
            # A loss that would not survive a restart must not be risked.
            judge.on_journal_failure(str(e), now_ns)

    def sync(self, judge: Judge, now_ns: int) -> None:
        """Follow what a person's command wrote into the latch; write what could not be written."""
        if self.latch.is_changed():
            self._read_latch(judge, now_ns)
        if self._unwritten is not None:
            by, reason = self._unwritten
            self._write_latch(judge, by=by, reason=reason, ts_ns=now_ns)

    def _note_resumed(self, judge: Judge, view: LatchView, now_ns: int) -> None:
        """Write down what a person has resumed while no node ran; once."""
        cause = f"RESUMED {', '.join(view.resumed)}: {view.reason}"
        data = {
            "previous": view.was or view.state.name, "state": judge.state.state.name,
            "cause": cause, "by": view.by,
        }  # fmt: skip
        self._write(judge, "state", now_ns, data)
        self._write_latch(judge, by=view.by, reason=cause, ts_ns=now_ns)

    def _read_latch(
        self, judge: Judge, now_ns: int, *, may_resume: bool = True
    ) -> LatchView | None:
        """Do what the latch says and return it; None for one that is none, which halts."""
        try:
            view = self.latch.read()
        except LatchError as e:
            judge.trip(
                TradingState.HALTED, f"LATCH_UNREADABLE: observed={e}, limit=a latch", now_ns
            )
            return None
        symbols = judge.limits.symbols  # Where node.json was lost a kill has the venue's own names.
        view = view._replace(kills=tuple(aimed(kill, symbols, ()) or kill for kill in view.kills))
        by = view.by or "latch"
        is_right = not may_resume or _resume(judge, view, now_ns)
        for kill in view.kills:
            judge.kill(kill)
        if view.state is not TradingState.ACTIVE:
            for cause in view.causes or (f"LATCHED: observed={view.state.name}, limit=ACTIVE",):
                judge.trip(view.state, cause, now_ns, by=by)
        if not is_right:  # The disk must not say for long what is not so.
            self._write_latch(judge, by="node", reason="a resume was refused", ts_ns=now_ns)
        return view

    # -- decisions --------------------------------------------------------------------------------

    def approved(
        self, judge: Judge, command: Command, intents: tuple[OrderIntent, ...], now_ns: int
    ) -> bool:
        """Write an approval down; return whether the command may go (an exit always may)."""
        data = {"command": type(command).__name__, "orders": [_order_row(i) for i in intents]}
        written = self._write(judge, "approved", now_ns, data)
        return written or all(intent.is_reduce_only for intent in intents)

    def released(self, judge: Judge, intent: OrderIntent, now_ns: int) -> None:
        """Write down that a held child goes out, with the quantity that its entry has filled."""
        self._write(judge, "released", now_ns, _order_row(intent))

    def amended(self, judge: Judge, amend: AmendIntent, now_ns: int) -> None:
        """Write an approved amendment down."""
        data = {"command": "ModifyOrder"} | {k: _text(v) for k, v in amend._asdict().items()}
        self._write(judge, "approved", now_ns, data)

    def denied(
        self,
        judge: Judge,
        denial: Denial,
        command: Any,
        intents: tuple[OrderIntent, ...],
        now_ns: int,
    ) -> None:
        """Write a denial down and keep it for the report."""
        row = {
            "ts": now_ns,
            "control": denial.reason.control,
            "reason": denial.reason.code,
            "observed": plain(denial.observed),
            "limit": plain(denial.limit),
            "text": denial.text,
            "command": type(command).__name__,
        } | _first_order(command, intents)
        self.denials.append(row)
        self.denials_total += 1
        orders = {"orders": [_order_row(intent) for intent in intents]}
        self._write(judge, "denied", now_ns, row | orders)

    def fill(self, judge: Judge, ts_ns: int, data: FillRow) -> None:
        """Write a fill down."""
        self._write(judge, "fill", ts_ns, data)

    def opened(self, judge: Judge, ts_ns: int, rows: list[PositionRow]) -> None:
        """Write down what was there when the node took over: fills from here on add to it."""
        self._write(judge, "opened", ts_ns, {"positions": rows})

    def ended(self, judge: Judge, client_order_id: str, ts_ns: int) -> None:
        """Write down that an order cannot fill any more; a backtest has nobody to read it."""
        if self.is_persistent:
            self._write(judge, "ended", ts_ns, {"client_order_id": client_order_id})

    def protection(self, judge: Judge, ts_ns: int, row: ProtectionRow) -> None:
        """Write down how a position was protected that is closed now."""
        self._write(judge, "protection", ts_ns, row)

    def venue(self, judge: Judge, event: VenueEvent) -> None:
        """Write down what happened at the venue, before it takes effect."""
        data = {
            "event": event.kind.code, "observed": event.observed, "limit": event.limit,
            "reaction": event.kind.reaction.value, "until": event.until_ns,
        }  # fmt: skip
        self._write(judge, "venue", event.ts_event, data)

    def _on_alarm(self, judge: Judge, ts_ns: int, text: str) -> None:
        self._write(judge, "alarm", ts_ns, {"text": text})

    def _on_transition(self, judge: Judge, transition: Transition) -> None:
        data = {
            "previous": transition.previous.name, "state": transition.state.name,
            "cause": transition.cause, "by": transition.by,
        }  # fmt: skip
        self._write(judge, "state", transition.ts_ns, data)
        self._write_latch(judge, by=transition.by, reason=transition.cause, ts_ns=transition.ts_ns)

    def _write_latch(self, judge: Judge, *, by: str, reason: str, ts_ns: int) -> None:
        self._unwritten = None
        with self.latch.alone():
            if self.is_persistent and self.latch.is_changed():
                # A person has tightened it since: the file must not forget that when it is written.
                self._read_latch(judge, ts_ns, may_resume=False)
            self._replace_latch(judge, by=by, reason=reason, ts_ns=ts_ns)

    def _replace_latch(self, judge: Judge, *, by: str, reason: str, ts_ns: int) -> None:
        try:
            self.latch.write(
                judge.state.state, judge.state.causes,
                by=by, reason=reason, ts_ns=ts_ns, kills=judge.state.kills,
            )  # fmt: skip
        except LatchError as e:
            self._unwritten = by, reason
            # A state that would not survive a restart must not be trusted with new risk.
            judge.on_journal_failure(str(e), ts_ns)

    def _write(
        self, judge: Judge, kind: str, ts_ns: int, data: dict[str, Any] | msgspec.Struct
    ) -> bool:
        try:
            self.journal.append(kind, ts_ns, data)
        except JournalError as e:
            judge.on_journal_failure(str(e), ts_ns)
            return False
        return True


def _resume(judge: Judge, view: LatchView, now_ns: int) -> bool:
    """Loosen what a person has written that it may be loosened; return whether that was right."""
    state = judge.state
    scopes = {kill.scope for kill in state.kills if str(kill.scope) in view.resumed} - {ACCOUNT}
    # Only a resume says so: a kill of one symbol, written meanwhile, may name ACTIVE as well.
    is_account = view.state is TradingState.ACTIVE and str(ACCOUNT) in view.resumed
    if is_account and state.state is not TradingState.ACTIVE:
        scopes.add(ACCOUNT)
    if not scopes:
        return True
    unfinished = [kill for kill in judge.unfinished() if kill.scope in scopes]
    for kill in unfinished:
        judge.alarm(
            f"RESUME_REFUSED: observed={kill.level.name} of {kill.scope} is not finished, limit="
            f"flat and no orders before {view.by} resumes", now_ns,
        )  # fmt: skip
    if not unfinished:
        is_everything = ACCOUNT in scopes and all(kill.scope in scopes for kill in state.kills)
        judge.resume(
            by=view.by, reason=view.reason, now_ns=now_ns, scopes=None if is_everything else scopes
        )
    return not unfinished


def _order_row(intent: OrderIntent) -> OrderRow:
    return OrderRow(
        intent.client_order_id,
        intent.strategy_id,
        intent.instrument_id,
        "BUY" if intent.side > 0 else "SELL",
        intent.qty,
        intent.order_type,
        intent.price,
        intent.trigger_price,
        intent.is_reduce_only,
        intent.parent_id,
        intent.trigger_type,
    )


def _first_order(command: Any, intents: tuple[OrderIntent, ...]) -> dict[str, Any]:
    if intents:
        return {
            key: value if isinstance(value, bool | str) else _text(value)
            for key, value in msgspec.structs.asdict(_order_row(intents[0])).items()
        }
    return {
        "client_order_id": str(getattr(command, "client_order_id", "")),
        "strategy_id": str(command.strategy_id),
        "instrument_id": str(command.instrument_id),
        "side": None, "quantity": None, "order_type": None, "price": None,
        "trigger_price": None, "reduce_only": None,
    }  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)
