"""A FLATTEN whose key the venue refuses: it goes on, but hammers nobody."""

import asyncio

import pytest

from actors import clearing
from risk.kills import KillLevel
from tests.kill_kit import Killable, killable
from venue.wire.hooks import Reaction

ORDER = "/fapi/v1/order"
NO_RIGHTS = (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."})
HOUR_NS = 3_600_000_000_000


def refuse(node: Killable, *methods: str) -> None:
    """Let the venue refuse the key for every order from now on."""
    whole = node.requests.on_request

    def on_request(request):
        whole(request)
        if request.method in methods and request.path == ORDER:
            return Reaction(engine_acts=False, answer=NO_RIGHTS)
        return None

    node.requests.on_request = on_request


def take_again(node: Killable) -> None:
    del node.requests.on_request


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first pauses be over in an instant, and the last one outlast the test."""
    monkeypatch.setattr(clearing, "PAUSES_NS", ((2, 20_000_000), (3, 40_000_000)))
    monkeypatch.setattr(clearing, "PAUSE_NS_MAX", HOUR_NS)


def play(scene, tmp_path):
    async def main():
        async with killable(tmp_path) as node:
            await node.protected()
            await node.resting()
            node.requests.seen.clear()
            await scene(node)

    asyncio.run(main())


def exits(node: Killable) -> tuple[int, int]:
    """Return how many closes and cancels have reached the venue."""
    seen = [r for r in node.requests.seen if r.path == ORDER]
    return (
        sum(r.method == "POST" and r.params["type"] == "MARKET" for r in seen),
        sum(r.method == "DELETE" for r in seen),
    )


async def given_up_for_now(node: Killable) -> None:
    await node.until(lambda: exits(node) == (6, 6), "six tries of each")
    looks = 0

    def count_looks() -> bool:
        nonlocal looks
        looks += 1
        node.switch.look()
        return looks > 100

    await node.until(count_looks, "a hundred looks")
    assert exits(node) == (6, 6)


def test_what_is_refused_for_long_is_tried_less_and_less(tmp_path, brief):
    async def scene(node):
        stops = node.stops()
        refuse(node, "POST", "DELETE")

        node.switch.pull(KillLevel.FLATTEN, by="ann", reason="news", source="command")

        await given_up_for_now(node)
        assert node.stops() == stops
        assert node.lines[0].flat_ns is None

    play(scene, tmp_path)


def test_where_one_thing_goes_the_others_are_tried_as_at_first(tmp_path, brief):
    async def scene(node):
        refuse(node, "POST", "DELETE")
        node.switch.pull(KillLevel.FLATTEN, by="ann", reason="news", source="command")
        await given_up_for_now(node)
        take_again(node)

        await node.rest.ok("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")

        await node.until(lambda: node.lines[0].flat_ns, "verified flat")
        assert (node.position(), node.working()) == (0, set())

    play(scene, tmp_path)


def test_a_key_that_is_refused_a_few_times_only_costs_a_moment(tmp_path, monkeypatch):
    monkeypatch.setattr(clearing, "PAUSE_NS_MAX", HOUR_NS)

    async def scene(node):
        for method in ("POST", "DELETE"):
            for _ in range(3):
                node.requests.next_time(
                    method, ORDER, Reaction(engine_acts=False, answer=NO_RIGHTS)
                )

        node.switch.pull(KillLevel.FLATTEN, by="ann", reason="news", source="command")

        await node.until(lambda: node.lines and node.lines[0].flat_ns, "verified flat")
        assert (node.position(), node.working()) == (0, set())

    play(scene, tmp_path)
