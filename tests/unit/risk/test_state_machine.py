"""The trading state tightens by itself and is loosened only by a person with a reason."""

from __future__ import annotations

import itertools

import pytest

from risk.state_machine import StateMachine
from risk.trading_state import TradingState, Transition
from tests.risk_builders import T0, make_judge

ACTIVE, REDUCING, HALTED = TradingState


def trip(
    machine: StateMachine, state: TradingState, cause: str, ts_ns: int = T0
) -> Transition | None:
    return machine.trip(state, cause=cause, by="breaker", ts_ns=ts_ns)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(TradingState, TradingState)))
def test_a_trip_never_loosens(first: TradingState, second: TradingState) -> None:
    machine = StateMachine()
    trip(machine, first, "A: observed=1, limit=0")
    trip(machine, second, "B: observed=1, limit=0")

    assert machine.state is max(first, second)


def test_the_same_cause_is_told_once() -> None:
    machine = StateMachine()

    assert trip(machine, REDUCING, "LOSS: observed=1, limit=0") is not None
    assert trip(machine, REDUCING, "LOSS: observed=2, limit=0") is None
    assert machine.causes == ["LOSS: observed=1, limit=0"]


def test_the_same_cause_may_tighten_further() -> None:
    machine = StateMachine()
    trip(machine, REDUCING, "LOSS: observed=1, limit=0", T0)

    assert trip(machine, HALTED, "LOSS: observed=2, limit=0", T0 + 1) == Transition(
        T0 + 1, REDUCING, HALTED, "LOSS: observed=2, limit=0", "breaker"
    )
    assert machine.since_ns == T0 + 1


def test_a_further_cause_is_kept_without_changing_since_when() -> None:
    machine = StateMachine()
    trip(machine, HALTED, "A: observed=1, limit=0", T0)
    trip(machine, REDUCING, "B: observed=1, limit=0", T0 + 1)

    assert [cause[0] for cause in machine.causes] == ["A", "B"]
    assert (machine.state, machine.since_ns) == (HALTED, T0)


def test_a_person_with_a_reason_resumes() -> None:
    machine = StateMachine()
    trip(machine, HALTED, "A: observed=1, limit=0")

    transition = machine.resume(by="ann", reason="looked at it", ts_ns=T0 + 5)

    assert transition == Transition(T0 + 5, HALTED, ACTIVE, "RESUMED: looked at it", "ann")
    assert (machine.state, machine.causes, machine.since_ns) == (ACTIVE, [], T0 + 5)
    assert machine.transitions[-1] is transition


@pytest.mark.parametrize(("by", "reason"), [("", "why"), ("  ", "why"), ("ann", ""), ("ann", " ")])
def test_nobody_resumes_without_a_name_and_a_reason(by: str, reason: str) -> None:
    machine = StateMachine()
    trip(machine, REDUCING, "A: observed=1, limit=0")

    with pytest.raises(ValueError, match="needs a person and a reason"):
        machine.resume(by=by, reason=reason, ts_ns=T0)

    assert machine.state is REDUCING


def test_what_is_active_cannot_be_resumed() -> None:
    with pytest.raises(ValueError, match="nothing is tripped"):
        StateMachine().resume(by="ann", reason="why", ts_ns=T0)


def test_the_judge_tells_every_transition_once() -> None:
    judge = make_judge()
    told: list[TradingState] = []
    judge.on_transition = lambda transition: told.append(transition.state)

    judge.trip(REDUCING, "A: observed=1, limit=0", T0)
    judge.trip(REDUCING, "A: observed=1, limit=0", T0)
    judge.resume(by="ann", reason="why", now_ns=T0)

    assert told == [REDUCING, ACTIVE]


def test_a_resume_that_is_refused_changes_nothing() -> None:
    judge = make_judge()
    judge.trip(HALTED, "A: observed=1, limit=0", T0)

    with pytest.raises(ValueError, match="needs a person"):
        judge.resume(by="", reason="", now_ns=T0)

    assert judge.state.state is HALTED
