"""Approvals: one send of one order with the terms that were judged."""

from decimal import Decimal

from risk.approvals import amend_key, cancel_key, new_approvals

TERMS = ("BTC", 1, Decimal("2.000"))
OTHER = ("BTC", 1, Decimal("2.001"))


def test_an_approval_is_good_for_one_send():
    mint, approvals = new_approvals()
    mint("O-1", TERMS)

    assert [approvals.spend("O-1", TERMS), approvals.spend("O-1", TERMS)] == [True, False]


def test_an_approval_is_not_good_for_other_terms_and_stays_with_its_own():
    mint, approvals = new_approvals()
    mint("O-1", TERMS)

    assert not approvals.spend("O-1", OTHER)
    assert approvals.spend("O-1", TERMS)


def test_an_approval_is_not_good_for_another_order():
    mint, approvals = new_approvals()
    mint("O-1", TERMS)

    assert not approvals.spend("O-2", TERMS)
    assert len(approvals) == 1


def test_nothing_is_approved_at_first():
    _, approvals = new_approvals()

    assert not approvals.spend("O-1", ())


def test_orders_amendments_and_cancels_are_approved_apart():
    assert len({"O-1", amend_key("O-1"), cancel_key("O-1")}) == 3


def test_two_amendments_that_are_on_their_way_are_both_approved():
    mint, approvals = new_approvals()
    mint(amend_key("O-1"), TERMS)
    mint(amend_key("O-1"), OTHER)

    assert approvals.spend(amend_key("O-1"), TERMS)
    assert approvals.spend(amend_key("O-1"), OTHER)


def test_what_is_claimed_can_be_used_once_and_claimed_no_more():
    mint, approvals = new_approvals()
    mint("O-1", TERMS)

    assert approvals.claim("O-1", TERMS)
    assert approvals.claimed("O-1") == (TERMS,)
    assert not approvals.claim("O-1", TERMS)
    assert [approvals.use("O-1", TERMS), approvals.use("O-1", TERMS)] == [True, False]


def test_what_was_not_claimed_cannot_be_used():
    mint, approvals = new_approvals()
    mint("O-1", TERMS)

    assert not approvals.use("O-1", TERMS)
    assert not approvals.claim("O-1", OTHER)
    assert approvals.claimed("O-1") == ()


def test_nothing_of_a_closed_order_may_leave():
    mint, approvals = new_approvals()
    for key in ("O-1", amend_key("O-1"), cancel_key("O-1"), "O-2"):
        mint(key, TERMS)
    approvals.claim(amend_key("O-1"), TERMS)

    approvals.revoke("O-1")

    assert len(approvals) == 1
    assert approvals.spend("O-2", TERMS)


def test_the_view_that_spends_cannot_approve():
    _, approvals = new_approvals()

    assert not hasattr(approvals, "mint")


def test_each_claim_that_lapses_is_told_of_once():
    mint, approvals = new_approvals()
    key = amend_key("O-1")
    for terms in (("first",), ("second",), ("third",)):
        mint(key, terms)
        approvals.claim(key, terms)

    approvals.revoke("O-1")

    assert [approvals.take_lapsed(key) for _ in range(4)] == [True, True, True, False]
