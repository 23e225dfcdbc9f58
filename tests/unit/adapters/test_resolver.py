"""How long an order stays in doubt, and what is believed."""

import asyncio
from collections.abc import Callable

import pytest
from nautilus_trader.common.component import LiveClock, TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId, StrategyId, TraderId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.model.orders import Order

from adapters.sync import Found
from adapters.unresolved import Doubt, Patience, Resolver, Unresolved
from tests.venue_kit import until

BTC = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")


def an_order() -> Order:
    factory = OrderFactory(TraderId("T-1"), StrategyId("S-1"), TestClock())
    return factory.market(BTC, OrderSide.BUY, Quantity.from_str("0.010"))


class Case:
    """A resolver whose looks answer what the test says; the last answer is repeated."""

    def __init__(self, *answers: Found | Exception, patience: Patience) -> None:
        self.answers = list(answers)
        self.looks = 0
        self.absent: list[Unresolved] = []
        self.unchanged: list[Unresolved] = []
        self.begun: list[Unresolved] = []
        self.resolver = Resolver(
            look=self.look, on_absent=self.absent.append, on_unchanged=self.unchanged.append,
            on_begin=self.begun.append, run=asyncio.ensure_future, clock=LiveClock(),
            patience=patience,
        )  # fmt: skip

    async def look(self, _order: Order) -> Found:
        self.looks += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run(self, doubt: Doubt, condition: Callable[[], object]) -> None:
        async def main() -> None:
            self.resolver.begin(an_order(), doubt, "lost")
            await until(condition)

        asyncio.run(main())


def test_an_absent_order_is_given_up_after_enough_answers():
    case = Case(Found.ABSENT, patience=Patience(secs=0.01, answers_min=3))
    case.run(Doubt.SUBMIT, lambda: case.absent)
    assert case.looks == 3
    assert not case.resolver.cases


def test_an_absent_order_is_not_given_up_before_the_time_is_over():
    case = Case(Found.ABSENT, patience=Patience(secs=1.0, answers_min=1))
    case.run(Doubt.SUBMIT, lambda: case.absent)
    assert case.looks >= 4  # after 0.1, 0.2, 0.4 and 0.8 s


def test_answers_must_come_in_a_row():
    answers = (Found.ABSENT, Found.BEHIND, Found.ABSENT, Found.ABSENT)
    case = Case(*answers, patience=Patience(secs=0.01, answers_min=2))
    case.run(Doubt.SUBMIT, lambda: case.absent)
    assert case.looks == 4


def test_a_failed_look_is_no_answer():
    answers = (Found.ABSENT, TimeoutError(), Found.ABSENT)
    case = Case(*answers, patience=Patience(secs=0.01, answers_min=2))
    case.run(Doubt.SUBMIT, lambda: case.absent)
    assert case.looks == 3


@pytest.mark.parametrize("doubt", [Doubt.CANCEL])
def test_a_cancel_that_changed_nothing_is_taken_back(doubt):
    case = Case(Found.SETTLED, patience=Patience(secs=0.01, answers_min=2))
    case.run(doubt, lambda: case.unchanged)
    assert case.looks == 2
    assert not case.absent


def test_a_second_doubt_joins_the_first():
    case = Case(Found.ABSENT, patience=Patience(secs=0.01, answers_min=2))

    async def main() -> None:
        order = an_order()
        case.resolver.begin(order, Doubt.SUBMIT, "lost")
        case.resolver.begin(order, Doubt.SILENCE, "nothing came")
        case.resolver.begin(order, Doubt.CANCEL, "lost, too")
        assert [c.doubt for c in case.resolver.cases] == [Doubt.CANCEL]
        assert order.client_order_id in case.resolver
        await until(lambda: case.absent)

    asyncio.run(main())
    assert [c.doubt for c in case.begun] == [Doubt.SUBMIT, Doubt.CANCEL]
    assert len(case.absent) == 1
