"""Whatever a venue, or what stands in front of it, answers: a direct kill never ends by it."""

import asyncio
from decimal import Decimal

import pytest
from aiohttp import web

from ops.direct.client import DirectClient, VenueError
from ops.direct.look import take_look


class Pair:
    api_key, api_secret = "key", "secret"


def ask(answer, work):
    """Return what *work* makes of a venue that answers everything with *answer*."""

    async def main():
        async def handle(_request):
            return web.Response(**answer)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            port = runner.addresses[0][1]
            async with DirectClient(f"http://127.0.0.1:{port}", Pair(), print) as client:
                return await work(client)
        finally:
            await runner.cleanup()

    return asyncio.run(main())


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "text": '{"code": "E42", "msg": 7}'},
        {"status": 400, "text": '{"code": null}'},
        {"status": 400, "text": '{"code": -1021, "msg": "ahead"}'},
        {"status": 403, "text": "<html>", "headers": {"X-MBX-USED-WEIGHT-1M": "lots"}},
        {"status": 429, "text": "[]", "headers": {"Retry-After": "\u00b2"}},
        {"status": 200, "text": "["*100_000},
        {"status": 200, "text": ""},
        {"status": 200, "body": b"\xff"},
    ],
)  # fmt: skip
def test_an_odd_answer_is_a_refusal(answer):
    with pytest.raises(VenueError):
        ask(answer, lambda client: client.signed("GET", "/fapi/v3/positionRisk"))


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "much", None, [1], ""])
def test_a_quantity_that_is_none_is_unseen_and_no_position(amount):
    rows = web.json_response([{"symbol": "BTCUSDT", "positionAmt": amount}]).text

    look = ask({"status": 200, "text": rows}, take_look)

    assert look.positions == ()
    assert not look.is_flat_known
    assert any("positionRisk has a row that cannot be read" in text for text in look.unseen)


def test_a_position_is_seen_beside_one_that_cannot_be_read():
    rows = web.json_response(
        [{"symbol": "A", "positionAmt": "NaN"}, {"symbol": "B", "positionAmt": "-0.5"}]
    ).text

    look = ask({"status": 200, "text": rows}, take_look)

    assert [(p.symbol, p.amount) for p in look.positions] == [("B", Decimal("-0.5"))]
