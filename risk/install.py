"""One call puts the gate into a kernel; another proves that it is there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.common import Environment
from nautilus_trader.config import LiveRiskEngineConfig, RiskEngineConfig
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.model.enums import OmsType
from nautilus_trader.model.identifiers import StrategyId
from nautilus_trader.system.kernel import NautilusKernel

from risk.client import ApprovedOnlyClient, LastHop, guard_live_client, wire_of
from risk.engine import GuardedLiveRiskEngine, GuardedRiskEngine
from risk.gate import ENDPOINT, RiskGate
from risk.journal import Journal, Sync
from risk.latch import Latch
from risk.ledger import Ledger
from risk.limits import RiskLimits
from risk.pulse import Pulse
from risk.record import Record
from risk.report import guard_report
from risk.rounds import Rounds

EXTERNAL = "EXTERNAL"
"""Whose NautilusTrader says are orders that no strategy claims."""


class GuardError(RuntimeError):
    """A kernel that must not run: the gate is missing, or cannot be put in."""


class Guard(NamedTuple):
    """What stands guard in one kernel."""

    gate: RiskGate
    ledger: Ledger
    record: Record

    def report(self) -> dict[str, Any]:
        """Return what the guard did, as plain values (see `risk.report.guard_report`)."""
        journal = self.record.journal
        return guard_report(self.gate.judge, list(self.record.denials)) | {
            "journal": {"records": journal.count, "last_hash": journal.last_hash}
        }

    def close(self) -> None:
        """Write the journal out."""
        self.record.journal.close()


def install_guard(
    kernel: NautilusKernel,
    limits: RiskLimits,
    *,
    state_dir: Path | None = None,
    sync: Sync = "flush",
    profile: dict[str, Any] | None = None,
    profile_hash: str | None = None,
) -> Guard:
    """
    Replace the kernel's risk engine by ours and stand the gate before its execution engine.

    Call it once, after the venues or clients were added and before the run.

    Parameters
    ----------
    kernel : NautilusKernel
        Of a backtest, sandbox or live node.
    limits : RiskLimits
        The limits of the run.
    state_dir : Path, optional
        Where journal and latch are kept; default ``state/<trader id>``. In a backtest the latch
        starts anew, everywhere else it is obeyed.
    sync : {"none", "flush", "fsync"}
        How hard the journal is pushed to the disk before an order leaves.
    profile, profile_hash : optional
        The resolved profile and its hash for the journal's first record; default: the limits.

    Raises
    ------
    GuardError
        If the kernel is guarded already, runs already, or has not exactly one execution client:
        the limits, and the equity that they are measured against, are those of one account.
    JournalError
        If the journal cannot be written.

    """
    is_backtest = kernel.environment == Environment.BACKTEST
    client = _only_client(kernel)
    folder = state_dir or Path("state") / str(kernel.trader_id)
    journal = Journal(folder / "journal.jsonl", sync=sync)
    rounds = None if is_backtest else Rounds(journal.path)
    record = Record(journal, Latch(folder / "latch.json"), is_persistent=not is_backtest)
    gate = RiskGate(
        limits, msgbus=kernel.msgbus, cache=kernel.cache, clock=kernel.clock,
        forward=kernel.exec_engine.execute, record=record,
        loop=None if is_backtest else kernel.loop,
    )  # fmt: skip
    resolved = profile if profile is not None else {"limits": limits.model_dump(mode="json")}
    record.attach(
        gate.judge, resolved, profile_hash or _hash(resolved), kernel.clock.timestamp_ns()
    )
    ledger = Ledger(
        gate.judge, record, gate.approvals,
        msgbus=kernel.msgbus, cache=kernel.cache, clock=kernel.clock,
    )  # fmt: skip
    _swap_risk_engine(kernel, gate, is_backtest=is_backtest)
    kernel.msgbus.deregister(ENDPOINT, kernel.exec_engine.execute)
    kernel.msgbus.register(ENDPOINT, gate.execute)
    if rounds is None:
        _swap_client(kernel, client, gate)
    else:
        guard_live_client(client, gate.approvals)
        _net_what_others_do(kernel)
        _remember(rounds, gate, client)
        gate.judge.is_measuring = False  # until the venue has said what was there before
        is_same_account = not isinstance(client, SandboxExecutionClient)
        pulse = Pulse(gate, rounds, is_same_account=is_same_account)
        kernel.trader.add_actor(pulse)
    return Guard(gate, ledger, record)


def _remember(rounds: Rounds, gate: RiskGate, client: ExecutionClient) -> None:
    """Let gate and client know what earlier lives have approved."""
    gate.remember(rounds.ids)
    if hasattr(client, "is_approved"):  # a simulated one has nobody beside it
        client.is_approved = gate.has_approved


def _only_client(kernel: NautilusKernel) -> ExecutionClient:
    """Return the client to guard, of a kernel that can be guarded."""
    if isinstance(kernel.risk_engine, GuardedRiskEngine | GuardedLiveRiskEngine):
        raise GuardError("the kernel is guarded already")
    if kernel.is_running():
        raise GuardError("the kernel runs already: what it has queued would pass by the guard")
    clients = list(kernel.exec_engine._clients.values())
    if not clients:
        raise GuardError(
            "the kernel has no execution client yet: add venues, or build the node, first"
        )
    if len(clients) > 1:
        names = ", ".join(sorted(str(client.id) for client in clients))
        raise GuardError(f"{len(clients)} execution clients ({names}): limits are for one account")
    return clients[0]


def _net_what_others_do(kernel: NautilusKernel) -> None:
    """
    Keep one position a symbol of orders that no strategy claims, as the account does.

    NautilusTrader's default for a Binance client opens a new one for each order, so that an order
    that closes the position at the venue leaves two open ones here.

    """
    kernel.exec_engine._oms_overrides[StrategyId(EXTERNAL)] = OmsType.NETTING


def _swap_risk_engine(kernel: NautilusKernel, gate: RiskGate, *, is_backtest: bool) -> None:
    stock = kernel.risk_engine
    kernel.msgbus.deregister("RiskEngine.execute", stock.execute)
    kernel.msgbus.deregister("RiskEngine.process", stock.process)
    for topic in ("events.order.*", "events.position.*"):
        kernel.msgbus.unsubscribe(topic, stock._handle_event)
    shared = {
        "portfolio": kernel.portfolio, "msgbus": kernel.msgbus,
        "cache": kernel.cache, "clock": kernel.clock,
    }  # fmt: skip
    configured = kernel._config.risk_engine
    if is_backtest:
        ours = GuardedRiskEngine(**shared, config=configured or RiskEngineConfig())
    else:
        live = configured or LiveRiskEngineConfig()
        ours = GuardedLiveRiskEngine(loop=kernel.loop, **shared, config=live)
    ours.gate = gate
    gate.judge.on_transition = _both(gate.judge.on_transition, lambda t: ours.show_state(t.state))
    ours.show_state(gate.judge.state.state)
    kernel._risk_engine = ours
    kernel.trader._risk_engine = ours


def _both(first: Any, second: Any) -> Any:
    def call(event: Any) -> None:
        first(event)
        second(event)

    return call


def _swap_client(kernel: NautilusKernel, client: ExecutionClient, gate: RiskGate) -> None:
    guarded = ApprovedOnlyClient(client, gate.approvals, kernel.msgbus, kernel.cache, kernel.clock)
    kernel.exec_engine.deregister_client(client)
    kernel.exec_engine.register_client(guarded)


def assert_guarded(kernel: NautilusKernel, guard: Guard) -> None:
    """
    Prove that *guard* stands in *kernel*.

    Raises
    ------
    GuardError
        If the risk engine is not ours, the endpoint leads elsewhere, a client takes orders without
        approval, or its HTTP client would send what nobody approved.

    """
    engine = kernel.risk_engine
    if not isinstance(engine, GuardedRiskEngine | GuardedLiveRiskEngine):
        raise GuardError(
            f"the risk engine is {type(engine).__name__}: install_guard was not called"
        )
    if engine.gate is not guard.gate:
        raise GuardError("the risk engine belongs to another gate")
    try:
        kernel.msgbus.deregister(ENDPOINT, guard.gate.execute)
    except (KeyError, ValueError) as e:
        raise GuardError(f"the endpoint {ENDPOINT} does not lead to the gate") from e
    kernel.msgbus.register(ENDPOINT, guard.gate.execute)
    for client_id, client in kernel.exec_engine._clients.items():
        if not isinstance(client, LastHop):
            raise GuardError(f"the client {client_id} takes orders without approval")
        if hasattr(client, "_http_client"):
            wire = wire_of(client)
            if wire is None or wire.approvals is not guard.gate.approvals:
                raise GuardError(f"the HTTP client of {client_id} sends what nobody approved")


def _hash(resolved: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(resolved, sort_keys=True).encode()).hexdigest()
