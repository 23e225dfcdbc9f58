"""What stands in the way of a resume: each cause alone, and nothing when all is well."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.open_causes import open_causes
from actors.snapshot import KillLine
from risk.events import VenueEvent, VenueEventKind
from risk.judge import Judge
from tests.ops_kit import position
from tests.risk_builders import BTC, SECOND, T0, D, make_judge, tell_price


@pytest.fixture
def judge() -> Judge:
    judge = make_judge()
    judge.account.balance = D(10_000)
    return judge


def names(judge: Judge, positions=(), kills=()) -> list[str]:
    return [cause.split(":")[0] for cause in open_causes(judge, positions, kills, T0)]


def flatten(flat_ns: int | None, level: str = "FLATTEN") -> KillLine:
    return KillLine(level, "account", "ann", "news", "file", T0, T0, flat_ns, ("position x",))


def test_nothing_is_open_where_all_is_well(judge):
    kills = (flatten(T0 + 1), flatten(None, "HALT"))

    assert names(judge, [position()], kills) == []


def test_a_journal_that_cannot_be_written_is_open(judge):
    judge.journal_error = "disk full"

    assert names(judge) == ["JOURNAL"]


def test_an_equity_that_nobody_knows_is_open(judge):
    judge.account.balance = None

    assert names(judge) == ["EQUITY_MISSING"]


@pytest.mark.parametrize(("price", "expected"), [("99", []), ("90", ["UNREALIZED_LOSS"])])
def test_a_loss_is_open_while_it_is_beyond_its_limit(judge, price, expected):
    book = judge.account.symbol(BTC)
    book.position_qty, book.avg_px, book.ref_px = D(150), D(100), Decimal(price)

    assert names(judge) == expected


@pytest.mark.parametrize(
    ("to", "after_sec", "expected"),
    [(105, 59, []), ("105.01", 59, ["PRICE_SHOCK"]), ("105.01", 60, [])],
)
def test_a_shock_is_open_until_it_has_left_its_window(to, after_sec, expected):
    judge = make_judge(price_move_bps_max=500, price_move_window_sec=60)
    judge.account.balance = D(10_000)
    tell_price(judge, 100, now_ns=T0)
    tell_price(judge, to, now_ns=T0 + 1)

    later_ns = T0 + 1 + after_sec * SECOND
    causes = list(open_causes(judge, (), (), later_ns))

    assert [cause.split(":")[0] for cause in causes] == expected


def test_storms_are_counted_anew_by_a_resume_and_so_are_not_open():
    judge = make_judge(storms={"denials_max": 9, "rejects_max": 1, "window_sec": 60})
    judge.account.balance = D(10_000)
    for _ in range(3):
        judge.on_rejected(BTC, T0, T0)

    assert judge.state.causes
    assert names(judge) == []


def test_a_hold_is_open_and_is_none_when_it_was_lifted(judge):
    judge.holds.take(VenueEvent(VenueEventKind.REDIS_LOST, "away", "there", T0))
    assert names(judge) == ["REDIS_LOST"]

    judge.holds.take(VenueEvent(VenueEventKind.REDIS_BACK, "there", "there", T0))
    assert names(judge) == []


def test_books_that_differ_from_the_engine_are_open(judge):
    assert names(judge, [position(cached_qty=D("0.05"))]) == ["POSITION_MISMATCH"]


def test_a_flatten_that_is_not_finished_is_open_with_what_is_left(judge):
    causes = list(open_causes(judge, [], [flatten(None)], T0))

    assert causes == [
        "FLATTEN_UNFINISHED: observed=position x, limit=flat and no orders in account"
    ]
