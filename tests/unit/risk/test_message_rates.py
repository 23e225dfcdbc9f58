"""Messages are counted, and a share of the rate is kept for exits."""

from __future__ import annotations

import pytest

from risk.intent import AmendIntent
from risk.judge import Judge
from tests.risk_builders import (
    BTC,
    SECOND,
    T0,
    D,
    Terms,
    enter,
    make_judge,
    make_market,
    make_order,
    make_stop,
    reason_of,
    stop_id,
    submit,
    work,
)


def burst(judge: Judge, count: int, now_ns: int) -> list[str | None]:
    """Submit *count* brackets of two orders each and return the reasons."""
    result = []
    for _ in range(count):
        entry = make_order(qty="0.001")
        result.append(reason_of(submit(judge, entry, make_stop(entry), now_ns=now_ns)))
    return result


@pytest.mark.parametrize(
    ("limits", "window_ns"),
    [
        ({"messages_per_sec_max": 8}, SECOND),
        ({"messages_per_min_max": 8}, 60 * SECOND),
    ],
    ids=["second", "minute"],
)
def test_entries_leave_the_reserve_of_the_message_rate_to_exits(
    limits: Terms, window_ns: int
) -> None:
    judge = make_judge(**limits)  # half of 8 messages: two brackets

    assert burst(judge, 3, T0) == [None, None, "MESSAGE_RATE_EXCEEDS_MAX"]
    assert burst(judge, 1, T0 + window_ns - 1) == ["MESSAGE_RATE_EXCEEDS_MAX"]
    assert burst(judge, 1, T0 + window_ns) == [None]


def test_without_a_reserve_entries_may_use_the_whole_rate() -> None:
    judge = make_judge(messages_per_sec_max=4, exit_reserve_ratio=0)

    assert burst(judge, 3, T0) == [None, None, "MESSAGE_RATE_EXCEEDS_MAX"]


def test_cancels_and_amends_count_as_messages() -> None:
    judge = make_judge(messages_per_sec_max=8)
    entry = work(judge)
    judge.cancel(BTC, entry.client_order_id, T0)

    assert burst(judge, 1, T0) == ["MESSAGE_RATE_EXCEEDS_MAX"]


def test_amendments_of_exits_wait_at_the_whole_rate() -> None:
    judge = make_judge(messages_per_sec_max=8)
    stop = stop_id(enter(judge))  # two messages

    def tighten(trigger: object, now_ns: int = T0) -> str | None:
        amend = AmendIntent(stop, BTC, trigger_price=D(trigger))
        return reason_of(judge.amend(amend, make_market(ts_ns=now_ns), now_ns))

    assert [tighten(95 + n) for n in range(6)] == [None] * 6
    assert tighten("100.0") == "MESSAGE_RATE_EXCEEDS_MAX"
    assert tighten("100.0", T0 + SECOND) is None


def test_cutting_an_entry_waits_at_the_whole_rate() -> None:
    judge = make_judge(messages_per_sec_max=8)
    entry = work(judge)

    cut = AmendIntent(entry.client_order_id, BTC, qty=D("0.5"))
    reasons = [reason_of(judge.amend(cut, make_market(), T0)) for _ in range(7)]

    assert reasons == [*[None] * 6, "MESSAGE_RATE_EXCEEDS_MAX"]


def test_the_messages_of_both_windows_can_be_read() -> None:
    judge = make_judge()
    burst(judge, 2, T0)
    burst(judge, 1, T0 + SECOND)

    assert judge.messages(T0 + SECOND) == (2, 6)
    assert judge.messages(T0 + 61 * SECOND) == (0, 0)
