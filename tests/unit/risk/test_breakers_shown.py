"""Every breaker with a limit can be read as it stands, with the closest that the run came to it."""

from __future__ import annotations

from risk.breakers import Breaker
from risk.decision import Denial, DenyReason
from risk.judge import Judge
from tests.risk_builders import (
    BTC,
    ETH,
    SECOND,
    T0,
    D,
    bracket,
    enter,
    fill,
    make_judge,
    make_order,
    tell_price,
)

STORMS = {"denials_max": 4, "rejects_max": 2, "window_sec": 60}


def shown(judge: Judge, now_ns: int = T0) -> dict[str, Breaker]:
    return {breaker.key: breaker for breaker in judge.breakers(now_ns)}


def test_every_breaker_with_a_limit_is_shown() -> None:
    keys = {"unrealized_loss", "daily_loss", "drawdown", "price_shock", "repeated"}

    assert shown(make_judge()).keys() == keys
    assert shown(make_judge(storms=STORMS)).keys() == keys | {"denial_storm", "reject_storm"}


def test_a_loss_is_shown_as_it_is_and_as_it_was_at_its_worst() -> None:
    judge = make_judge(
        balance=200, unrealized_loss_ratio_max=1, unrealized_loss_ratio_alarm=1,
        daily_loss_ratio_max=1, drawdown_ratio_max=1, price_move_bps_max=100_000,
    )  # fmt: skip
    fill(judge, make_order())
    tell_price(judge, 60)
    tell_price(judge, 80)

    loss = shown(judge)["daily_loss"]

    assert loss == Breaker("daily_loss", D("0.1"), D(1), D("0.2"), is_open=False)


def test_a_breaker_that_has_tripped_is_open_until_a_person_resumes() -> None:
    judge = make_judge(storms=STORMS)
    for _ in range(3):
        judge.on_rejected(BTC, T0, T0)

    assert shown(judge)["reject_storm"] == Breaker("reject_storm", D(3), D(2), D(3), is_open=True)
    assert not shown(judge)["denial_storm"].is_open

    judge.resume(by="ada", reason="mended", now_ns=T0)
    assert shown(judge)["reject_storm"] == Breaker("reject_storm", D(0), D(2), D(3), is_open=False)


def test_a_storm_passes_by_itself_and_its_closest_approach_stays() -> None:
    judge = make_judge(storms=STORMS)
    judge.on_denied(Denial(DenyReason.STOP_LOSS_TOO_FAR, 6, 5), BTC, T0)

    assert shown(judge, T0 + 59 * SECOND)["denial_storm"].observed == 1
    passed = shown(judge, T0 + 60 * SECOND)["denial_storm"]
    assert (passed.observed, passed.closest) == (0, 1)


def test_a_shock_is_shown_for_the_symbol_that_moves_most_and_not_longer_than_its_window() -> None:
    judge = make_judge(price_move_bps_max=500, price_move_window_sec=60)
    for instrument_id, second in ((BTC, 101), (ETH, 103)):
        tell_price(judge, 100, instrument_id=instrument_id)
        tell_price(judge, second, instrument_id=instrument_id)

    assert shown(judge, T0 + 60 * SECOND - 1)["price_shock"].observed == 300
    late = shown(judge, T0 + 60 * SECOND)["price_shock"]
    assert (late.observed, late.closest) == (None, 300)


def test_repeated_entries_are_shown_and_open_when_they_halted() -> None:
    judge = make_judge(repeated_entries_max=1, repeated_entries_window_sec=60)
    enter(judge, price=100)

    assert shown(judge)["repeated"] == Breaker("repeated", D(1), D(1), D(1), is_open=False)

    bracket(judge)
    assert shown(judge)["repeated"] == Breaker("repeated", D(1), D(1), D(2), is_open=True)


def test_a_loss_that_cannot_be_known_is_not_shown_as_none() -> None:
    judge = make_judge(balance=None)

    assert shown(judge)["daily_loss"].observed is None
