"""The venue's REST door: keys, signatures, limits, errors, and a log line for everything."""

import asyncio
import json
import time

from tests.venue_kit import account, client, local_venue
from venue.wire.limits import LimitOptions
from venue.wire.signing import sign


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def run(scene):
    asyncio.run(scene())


def test_an_unknown_path_is_not_found():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            answer = await rest.send("GET", "/fapi/v1/nothing")
            assert (answer.status, answer.body["code"]) == (404, -5000)
            answer = await rest.send("PATCH", "/fapi/v1/order")
            assert (answer.status, answer.body["code"]) == (404, -5000)

    run(scene)


def test_keys_that_are_missing_malformed_or_unknown_are_refused():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            path = "/fapi/v3/account"
            for key, code in (("", -2014), ("short", -2014), ("x" * 64, -2015)):
                answer = await rest.send("GET", path, f"timestamp={now_ms()}", key=key)
                assert (answer.status, answer.body["code"]) == (401, code)

    run(scene)


def test_signature_and_clock_are_checked():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            path, at = "/fapi/v3/account", now_ms()
            missing = await rest.send("GET", path, f"timestamp={at}")
            wrong = await rest.send("GET", path, f"timestamp={at}&signature={'0' * 64}")
            late = await rest.call("GET", path, timestamp=at - 10_000)
            early = await rest.call("GET", path, timestamp=at + 60_000)

            codes = [(a.status, a.body["code"]) for a in (missing, wrong, late, early)]
            assert codes == [(400, -1102), (400, -1022), (400, -1021), (400, -1021)]

    run(scene)


def test_a_clock_that_is_wrong_at_the_venue_refuses_a_good_client():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            venue.wire.clock_skew_ms = -2_000
            answer = await rest.call("GET", "/fapi/v3/account")
            assert answer.body["code"] == -1021

            told = (await rest.get("/fapi/v1/time"))["serverTime"]
            assert abs(told - (now_ms() - 2_000)) < 500
            await rest.ok("GET", "/fapi/v3/account", timestamp=told)

    run(scene)


def test_parameters_travel_in_the_query_in_the_body_or_in_both():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            terms = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=63000"
            halves = [
                (f"symbol=BTCUSDT&{terms}&timestamp={now_ms()}", ""),
                ("", f"symbol=BTCUSDT&{terms}&timestamp={now_ms()}"),
                ("symbol=BTCUSDT", f"symbol=NOPE&{terms}&timestamp={now_ms()}"),
            ]
            for query, body in halves:
                signature = f"&signature={sign(rest.secret, query + body)}"
                sent = (query, body + signature) if body else (query + signature, "")
                answer = await rest.send("POST", "/fapi/v1/order", *sent)
                assert (answer.status, answer.body["symbol"]) == (200, "BTCUSDT")

    run(scene)


def test_every_answer_tells_the_weight_and_order_answers_their_counts():
    async def scene():
        async with local_venue() as venue, client(venue) as rest:
            first = await rest.send("GET", "/fapi/v1/ping")
            order = await rest.call(
                "POST",
                "/fapi/v1/order",
                symbol="BTCUSDT",
                side="BUY",
                type="MARKET",
                quantity="0.01",
            )
            last = await rest.send("GET", "/fapi/v1/nothing")

            assert first.headers["X-MBX-USED-WEIGHT-1M"] == "1"
            assert "X-MBX-ORDER-COUNT-10S" not in first.headers
            assert order.headers["X-MBX-ORDER-COUNT-10S"] == "1"
            assert order.headers["X-MBX-ORDER-COUNT-1M"] == "1"
            assert int(last.headers["X-MBX-USED-WEIGHT-1M"]) >= 1

    run(scene)


def test_exchange_info_tells_the_limits_that_are_kept():
    async def play():
        limits = LimitOptions(weight_1m_max=24_000, orders_1m_max=7)
        async with local_venue(limits=limits) as venue, client(venue) as rest:
            told = (await rest.get("/fapi/v1/exchangeInfo"))["rateLimits"]

            assert [row["limit"] for row in told] == [24_000, 7, 300]

    asyncio.run(play())


def test_a_client_that_goes_on_after_429_is_banned():
    async def scene():
        limits = LimitOptions(weight_1m_max=0, refusals_before_ban=3)
        async with local_venue(limits=limits) as venue, client(venue) as rest:
            answers = [await rest.send("GET", "/fapi/v1/ping") for _ in range(6)]

            assert [a.status for a in answers] == [429, 429, 429, 418, 418, 418]
            assert {a.body["code"] for a in answers} == {-1003}
            assert 1 <= int(answers[0].headers["Retry-After"]) <= 60
            assert 60 < int(answers[-1].headers["Retry-After"]) <= 120
            assert "banned until" in answers[-1].body["msg"]

    run(scene)


def test_the_orders_of_one_account_do_not_count_for_the_other():
    async def scene():
        limits = LimitOptions(orders_10s_max=2, orders_1m_max=2)
        accounts = (account("main"), account("second"))
        async with (
            local_venue(limits=limits, accounts=accounts) as venue,
            client(venue) as main,
            client(venue, "second") as second,
        ):
            terms = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
            answers = [await main.call("POST", "/fapi/v1/order", **terms) for _ in range(3)]
            other = await second.call("POST", "/fapi/v1/order", **terms)

            assert [a.status for a in answers] == [200, 200, 429]
            assert answers[-1].body["code"] == -1015
            assert int(answers[-1].headers["Retry-After"]) >= 1
            assert other.status == 200

    run(scene)


def test_two_accounts_see_only_what_is_theirs():
    async def scene():
        accounts = (account("main", 5_000), account("second", 70))
        async with (
            local_venue(accounts=accounts) as venue,
            client(venue) as main,
            client(venue, "second") as second,
        ):
            await main.ok(
                "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="LIMIT",
                timeInForce="GTC", quantity="0.01", price="63000", newClientOrderId="mine",
            )  # fmt: skip
            ours = await main.ok("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")
            theirs = await second.ok("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")
            stolen = await second.call(
                "DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="mine"
            )

            assert [order["clientOrderId"] for order in ours] == ["mine"]
            assert theirs == []
            assert stolen.body["code"] == -2011
            wallets = [
                (await rest.ok("GET", "/fapi/v3/account"))["totalWalletBalance"]
                for rest in (main, second)
            ]
            assert [float(wallet) for wallet in wallets] == [5_000, 70]

    run(scene)


def test_every_request_has_an_answer_line_and_no_line_has_a_key(tmp_path):
    async def scene():
        path = tmp_path / "wire.jsonl"
        async with local_venue(wire_log=path) as venue, client(venue) as rest:
            key = (await rest.send("POST", "/fapi/v1/listenKey")).body["listenKey"]
            await rest.call("GET", "/fapi/v3/account")
            await rest.call("GET", "/fapi/v3/account", timestamp=1)
            await rest.send("GET", "/fapi/v1/nothing")
            await rest.send("PUT", "/fapi/v1/listenKey", f"listenKey={key}")
            secrets = (key, rest.key, rest.secret)
        return path.read_text(), secrets

    text, secrets = asyncio.run(scene())

    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    requests = [line["id"] for line in lines if line["kind"] == "request"]
    answers = [line["to"] for line in lines if line["kind"] == "answer"]
    assert len(requests) == 5
    assert answers == requests
    assert [line["kind"] for line in lines if line["kind"] == "truth"] == ["truth", "truth"]
    assert lines[-1]["kind"] == "truth"
    assert not any(secret in text for secret in secrets)
    assert "signature" not in text
    assert (path_mode(tmp_path / "wire.jsonl")) == 0o600


def path_mode(path):
    return path.stat().st_mode & 0o777
