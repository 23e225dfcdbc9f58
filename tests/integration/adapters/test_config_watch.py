"""The account's settings are asked for: a change that no event tells halts, and nothing else does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from actors.config_watch import FAILURES_MAX, ConfigWatch
from adapters.account_config import AccountConfig
from risk.events import VenueEvent, VenueEventKind, publish_venue_event
from risk.journal import read
from tests.guarded_kit import GuardedNode, guarded_node
from tests.hop_kit import BTC
from venue.wire.hooks import Reaction

ACCOUNT, SYMBOLS = "/fapi/v1/accountConfig", "/fapi/v1/symbolConfig"
LEVERAGE = 5
"""What a new account of the local venue has."""
FAST = {"interval_sec": 0.05, "confirm_sec": 0.02}


class Watched(GuardedNode):
    """A guarded node that asks how its account is set."""

    watch: ConfigWatch

    async def looks(self, count: int = 3) -> None:
        """Wait for that many further answers."""
        until = self.watch.looks + count
        await self.until(lambda: self.watch.looks >= until, f"{count} looks")

    def rewrite(self, path: str, change: Callable[[Any], Any], times: int = 1) -> None:
        """Let the venue answer *times* questions otherwise than it is."""
        for _ in range(times):
            reaction = Reaction(rewrite=lambda status, body: (status, change(body)))
            self.requests.next_time("GET", path, reaction)

    def journalled(self, kind: str) -> list[dict[str, Any]]:
        return [r["data"] for r in read(self.guard.record.journal.path) if r["type"] == kind]


def play(scene: Callable[[Watched], Awaitable[None]], tmp_path: Any, **options: Any) -> None:
    async def main() -> None:
        found: list[ConfigWatch] = []

        def attach(node: Any, guard: Any) -> None:
            http = next(iter(node.kernel.exec_engine._clients.values()))._http_client
            account = AccountConfig(http, [BTC.value], recv_window_ms=5_000)
            expected = account.expected(margin_type="CROSSED", leverage=LEVERAGE)
            watch = ConfigWatch(account.ask, expected, guard.gate.judge, **FAST | options)
            node.trader.add_actor(watch)
            found.append(watch)

        async with guarded_node(tmp_path, attach=attach) as plain:
            node = Watched(**vars(plain))
            node.watch = found[0]
            await scene(node)

    asyncio.run(main())


async def to_hedge(node: Watched) -> None:
    await node.rest.ok("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")


async def to_multi_assets(node: Watched) -> None:
    await node.rest.ok("POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="true")


async def to_isolated(node: Watched) -> None:
    await node.rest.ok("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")


async def to_other_leverage(node: Watched) -> None:
    await node.rest.ok("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=7)


async def to_no_trading(node: Watched) -> None:
    node.rewrite(ACCOUNT, lambda body: body | {"canTrade": False}, times=1_000)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (to_hedge, "dualSidePosition = True"),
        (to_multi_assets, "multiAssetsMargin = True"),
        (to_isolated, "BTCUSDT marginType = ISOLATED"),
        (to_other_leverage, "BTCUSDT leverage = 7"),
        (to_no_trading, "canTrade = False"),
    ],
)
def test_a_changed_setting_halts_with_its_evidence(tmp_path, change, seen):
    async def scene(node: Watched) -> None:
        await node.looks()
        assert (node.state, node.events) == ("ACTIVE", [])

        await change(node)

        def told() -> list[str]:
            return [e.observed for e in node.events if e.kind is VenueEventKind.CONFIG_CHANGED]

        await node.until(lambda: seen in told(), "to be told")  # of some an event tells, too
        await node.looks()
        assert told().count(seen) == 1
        assert node.state == "HALTED"
        assert len(node.journalled("state")) == 1

    play(scene, tmp_path)


def test_settings_of_symbols_that_are_not_traded_are_nobodys_business(tmp_path):
    async def scene(node: Watched) -> None:
        await node.rest.ok("POST", "/fapi/v1/marginType", symbol="ETHUSDT", marginType="ISOLATED")

        await node.looks()

        assert node.state == "ACTIVE"

    play(scene, tmp_path)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (ACCOUNT, lambda body: body | {"dualSidePosition": True}),
        (ACCOUNT, lambda _body: {}),
        (SYMBOLS, lambda _body: []),
    ],
    ids=["another_value", "an_empty_account", "no_symbols"],
)
def test_one_strange_answer_is_no_change(tmp_path, path, answer):
    async def scene(node: Watched) -> None:
        await node.looks()

        node.rewrite(path, answer)
        await node.until(lambda: not node.requests.reactions, "the strange answer")
        await node.looks()

        assert (node.state, node.events) == ("ACTIVE", [])

    play(scene, tmp_path)


def test_a_setting_that_is_not_told_any_more_halts(tmp_path):
    async def scene(node: Watched) -> None:
        node.rewrite(SYMBOLS, lambda _body: [], times=1_000)

        await node.until(lambda: node.state == "HALTED", "the halt")
        assert "BTCUSDT leverage = None" in node.events[-1].observed

    play(scene, tmp_path)


def test_a_venue_that_does_not_answer_is_one_alarm_and_no_change(tmp_path):
    async def scene(node: Watched) -> None:
        refusal = Reaction(engine_acts=False, answer=(503, {"code": -1001, "msg": "busy"}))
        for _ in range(FAILURES_MAX + 2):
            node.requests.next_time("GET", ACCOUNT, refusal)

        await node.until(lambda: node.watch.failures > FAILURES_MAX, "six failures")
        await node.looks()

        assert node.state == "ACTIVE"
        (alarm,) = node.journalled("alarm")
        assert alarm["text"].startswith("CONFIG_UNKNOWN: observed=5 questions without an answer")
        assert node.watch.failures == 0

    play(scene, tmp_path)


def test_whoever_resumes_without_setting_it_right_is_halted_again(tmp_path):
    async def scene(node: Watched) -> None:
        await to_hedge(node)
        await node.until(lambda: node.state == "HALTED", "the halt")

        node.guard.gate.judge.resume(by="ada", reason="it is fine", now_ns=1)
        await node.until(lambda: node.state == "HALTED", "the second halt")

        told = [e for e in node.events if e.kind is VenueEventKind.CONFIG_CHANGED]
        assert len(told) == 2

    play(scene, tmp_path)


def test_it_is_asked_at_once_when_the_user_stream_is_back(tmp_path):
    async def scene(node: Watched) -> None:
        await node.until(lambda: node.watch.looks == 1, "the first look")

        back = VenueEvent(VenueEventKind.USER_STREAM_BACK, "back", "connected", 1)
        publish_venue_event(node.node.kernel.msgbus, back)

        await node.until(lambda: node.watch.looks == 2, "the second look")

    play(scene, tmp_path, interval_sec=3_600.0)
