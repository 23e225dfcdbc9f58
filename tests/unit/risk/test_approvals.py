"""Approvals: one send of one order with the terms that were judged."""

from __future__ import annotations

from risk.approvals import Approvals, amend_key, cancel_key
from tests.risk_builders import D

TERMS = ("BTC", 1, D(2))


def test_an_approval_is_good_for_one_send() -> None:
    approvals = Approvals()
    approvals.mint("O-1", TERMS)

    assert [approvals.spend("O-1", TERMS), approvals.spend("O-1", TERMS)] == [True, False]


def test_an_approval_does_not_hold_for_other_terms_and_is_used_up() -> None:
    approvals = Approvals()
    approvals.mint("O-1", TERMS)

    assert not approvals.spend("O-1", ("BTC", 1, D("2.001")))
    assert not approvals.spend("O-1", TERMS)


def test_an_approval_does_not_hold_for_another_order() -> None:
    approvals = Approvals()
    approvals.mint("O-1", TERMS)

    assert not approvals.spend("O-2", TERMS)
    assert len(approvals) == 1


def test_nothing_is_approved_by_itself() -> None:
    assert not Approvals().spend("O-1", ())


def test_an_order_its_amendment_and_its_cancel_are_approved_apart() -> None:
    assert len({"O-1", amend_key("O-1"), cancel_key("O-1")}) == 3
