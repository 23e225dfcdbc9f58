"""What a start only repeats of what the venue once rejected is no storm of now."""

from pathlib import Path

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.events import OrderCancelRejected, OrderModifyRejected, OrderRejected
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientOrderId,
    StrategyId,
    TraderId,
    VenueOrderId,
)

from risk.limits import StormLimits
from tests import bracket_rig
from tests.attacks.scene import BTC
from tests.bracket_rig import Rig

MOST = 3
STORMS = StormLimits(denials_max=MOST, rejects_max=MOST, window_sec=60)


def told(rig: Rig, kind: type, number: int, *, is_repeated: bool) -> object:
    """Return that the venue has rejected something, now."""
    now_ns = rig.clock.timestamp_ns()
    terms = {
        "trader_id": TraderId("TESTER-000"), "strategy_id": StrategyId("Told-T"),
        "instrument_id": BTC.id, "client_order_id": ClientOrderId(f"O-{number}"),
        "account_id": AccountId("BINANCE-001"), "reason": "Margin is insufficient.",
        "event_id": UUID4(), "ts_event": now_ns, "ts_init": now_ns,
        "reconciliation": is_repeated,
    }  # fmt: skip
    return kind(
        **(terms if kind is OrderRejected else terms | {"venue_order_id": VenueOrderId("1")})
    )


@pytest.mark.parametrize("kind", [OrderRejected, OrderCancelRejected, OrderModifyRejected])
@pytest.mark.parametrize(("is_repeated", "causes"), [(True, []), (False, ["REJECT_STORM"])])
def test_rejections_that_a_start_repeats_are_no_storm(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: type,
    is_repeated: bool,
    causes: list[str],
) -> None:
    monkeypatch.setattr(
        bracket_rig, "LIMITS", bracket_rig.LIMITS.model_copy(update={"storms": STORMS})
    )
    rig = Rig(tmp_path)

    for number in range(MOST + 1):
        event = told(rig, kind, number, is_repeated=is_repeated)
        rig.bus.publish("events.order.Told-T", event)

    assert [cause.split(":")[0] for cause in rig.gate.judge.state.causes] == causes
    rig.close()
