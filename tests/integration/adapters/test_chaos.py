"""Everything at once: whatever is lost, late, doubled or refused, both sides agree in the end."""

import asyncio
import random
from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.objects import Price

from tests.adapter_kit import scene
from venue.engine.errors import VenueError
from venue.wire.hooks import Reaction

ORDER_PATHS = {"/fapi/v1/order", "/fapi/v1/algoOrder"}
UNKNOWN = (503, {"code": -1000, "msg": "Unknown error, please check your request."})
WRITES = (
    Reaction(drop_reply=True),
    Reaction(engine_acts=False, drop_reply=True),
    Reaction(answer=UNKNOWN),
    Reaction(answer=UNKNOWN, engine_acts=False),
    Reaction(refuse=VenueError(-1008, "Request throttled by system-level protection.", 503)),
)
READS = (
    Reaction(refuse=VenueError(-2013)),
    Reaction(refuse=VenueError(-1003, "Too many requests.", 429)),
    Reaction(drop_reply=True),
)


class Trouble:
    """Meets a share of all requests and events with harm, until it is over."""

    def __init__(self, live, dice):
        self.live, self.dice, self.held = live, dice, []
        live.faults.requests.append(self.request)
        live.faults.events = self.event

    def request(self, request):
        if request.path not in ORDER_PATHS or self.dice.random() > 0.25:
            return None
        return self.dice.choice(READS if request.method == "GET" else WRITES)

    def event(self, payload):
        roll = self.dice.random()
        if roll < 0.10:
            return []
        if roll < 0.20:
            return [(0, payload), (0, payload)]
        if roll < 0.30:
            self.held.append(payload)
            return []
        late, self.held = self.held, []
        return [(0, payload), *((0, p) for p in late)]

    def end(self):
        self.live.faults.requests.remove(self.request)
        self.live.faults.events = None


def act(live, dice):
    """Do one thing that a trader might do, or the market."""
    working = [o for o in live.cache.orders_open() if not o.is_pending_cancel]
    side = dice.choice([OrderSide.BUY, OrderSide.SELL])
    match dice.randrange(8):
        case 0:
            live.puppet.market(side, "0.010")
        case 1 | 2:
            away = -1 if side == OrderSide.BUY else 1
            price = 60_000 + away * dice.randrange(50, 900)
            live.puppet.limit(side, f"0.0{dice.randrange(10, 40)}", f"{price}.0")
        case 3:
            live.puppet.stop_loss(OrderSide.SELL, "0.010", f"{dice.randrange(58_000, 59_000)}.0")
        case 4 if working:
            live.puppet.cancel_order(dice.choice(working))
        case 5 if working:
            order = dice.choice(working)
            price = Price.from_str(f"{dice.randrange(58_000, 59_000)}.0")
            if order.has_trigger_price:
                live.puppet.modify_order(order, trigger_price=price)
            elif order.side == OrderSide.BUY and order.has_price:
                live.puppet.modify_order(order, price=price)
        case 6:
            live.venue.move("BTCUSDT", Decimal(dice.randrange(59_000, 61_000)))
        case 7:
            live.venue.wire.drop_user_streams()


@pytest.mark.parametrize("seed", range(4))
def test_after_all_kinds_of_trouble_both_sides_agree(seed):
    async def main():
        dice = random.Random(seed)
        async with scene("ours", is_checked=True) as live:
            trouble = Trouble(live, dice)
            for _ in range(60):
                act(live, dice)
                await live.rest.get("/fapi/v1/ping")
            trouble.end()
            live.venue.wire.drop_user_streams()
            await live.until(lambda: not live.cache.orders_inflight(), "every answer", 60)
            await live.until(lambda: not live.exec_client.unresolved, "every doubt to end", 60)
            await live.until(lambda: live.exec_client.is_user_stream_up, "the stream", 60)
            await live.until(lambda: live.position() == live.venue_position(), "one position", 60)
            await live.until(live.has_venue_orders, "the same orders", 60)
            await live.agree()
            sent = [r.params for r in live.faults.seen if (r.method, r.path) == ORDER_POST]
            ids = [params["newClientOrderId"] for params in sent]
            assert len(ids) == len(set(ids))  # nothing was sent twice
            assert not live.alarmed("POSITION_MISMATCH")

    asyncio.run(main())


ORDER_POST = ("POST", "/fapi/v1/order")
