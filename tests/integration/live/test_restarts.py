"""A node that is killed at the worst moments comes back to what the venue holds, and ends in order."""

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from ops.node_files import read_node
from run_live import main
from tests.live_kit import ONE_TRADE, PROFILES, LiveRun, finish, start, stop_when, wire_log
from tests.venue_kit import RestClient, VenueProcess, venue_process
from venue.checkers.__main__ import main as check_wire

DOWN_SEC_MAX = "600"
"""How long a position may be without its stop where the node was killed before it could place it."""

PATIENT = ONE_TRADE.replace("9_000", "1_000_000").replace("_usdt = 50", "_usdt = 50_000") + (
    'entry_type = "LIMIT"\n'
)
BOTH_SIDES = """
[[strategies]]
path = "strategies.imbalance:BookImbalance"
[strategies.params]
instrument_id = "{}-PERP.BINANCE"
trade_risk_usdt = 50
trade_notional_usdt_max = 5_000
threshold = 0.05
smoothing_updates = 3
holding_secs = 3600
"""


class Scene:
    """A venue with its account, and the nodes that trade on it one after another."""

    def __init__(self, folder: Path, venue: VenueProcess) -> None:
        self.folder = folder
        self.venue = venue
        self.log = folder / "wire.jsonl"
        self.node: subprocess.Popen[str] | None = None

    @property
    def arguments(self) -> tuple[Any, ...]:
        keys = self.folder / "main.env"
        return (
            "--profile",
            self.folder / "own.toml",
            "--venue",
            self.venue.rest_url,
            "--keys",
            keys,
        )

    @property
    def journal(self) -> Path:
        return self.folder / "state" / "REHEARSAL-001" / "journal.jsonl"

    def profile(self, strategies: str) -> None:
        text = (PROFILES / "rehearsal.toml").read_text()
        for cap in (
            "= 10_000",
            "= 25_000",
            "order_qty_max = 0.5",
        ):  # larger than a level of the book
            text = text.replace(cap, f"{cap.split('=')[0]}= 2_000_000")
        (self.folder / "own.toml").write_text(text.split("[[strategies]]")[0] + strategies)

    def start(self) -> None:
        self.node = start(self.folder, *self.arguments)

    def wait(self, condition: Callable[[], Any], number: int = 0) -> None:
        stop_when(self.node, condition, number)

    def kill(self, condition: Callable[[], Any]) -> dict[str, Any]:
        """Kill the node once *condition* holds; return what the venue holds then."""
        self.wait(condition, signal.SIGKILL)
        self.node.communicate()
        return self.truth()

    def restart(self) -> list[dict[str, Any]]:
        """Start the node again; return the positions that it found, once it is up."""
        before = self.feeds()
        self.start()
        self.wait(lambda: self.feeds() > before)
        found = [r["data"]["positions"] for r in self.records() if r["type"] == "opened"]
        return found[-1]

    def end(self) -> LiveRun:
        self.node.send_signal(signal.SIGTERM)
        return finish(self.node, self.folder)

    def feeds(self) -> int:
        """Return how often a node has connected to the quotes, which it does once strategies run."""
        self.flush()
        return sum(row["stream"] == "/public" for row in wire_log(self.log, "connect"))

    def flush(self) -> None:
        with urlopen(f"{self.venue.control_url}/log?tail=1") as answer:  # writes the log out, too
            answer.read()

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def fault(self, name: str, **entry: Any) -> None:
        body = json.dumps({"name": name, **entry}).encode()
        url, kind = f"{self.venue.control_url}/fault", {"Content-Type": "application/json"}
        with urlopen(Request(url, body, kind)) as answer:
            assert json.load(answer)["done"]

    def truth(self) -> dict[str, Any]:
        with urlopen(f"{self.venue.control_url}/truth") as answer:
            return json.load(answer)["main"]

    def held(self) -> dict[str, Decimal]:
        return {row["symbol"]: Decimal(row["amt"]) for row in self.truth()["positions"]}

    def covered(self) -> dict[str, Decimal]:
        """Return what the stops at the venue would close, signed like the positions."""
        found: dict[str, Decimal] = {}
        for row in self.truth()["open_algos"]:
            signed = Decimal(row["qty"]) * (1 if row["side"] == "SELL" else -1)
            found[row["symbol"]] = found.get(row["symbol"], Decimal(0)) + signed
        return found

    def is_covered(self) -> bool:
        return bool(self.held()) and self.covered() == self.held()

    def sent(self, path: str, **params: str) -> int:
        """Return how many requests to *path* with these parameters have reached the venue."""
        self.flush()
        wanted = params.items()
        return sum(
            row["method"] == "POST"
            and row["path"].endswith(path)
            and wanted <= row["params"].items()
            for row in wire_log(self.log, "request")
        )

    async def judge(self, run: LiveRun, *, is_flat: bool = True) -> None:
        """Hold the end of a run, and all that was on the wire, against what is promised."""
        assert (run.code, run.stderr) == (0, ""), run.stdout
        assert run.final_state["trading_state"] == "ACTIVE"
        truth = self.truth()
        if is_flat:
            assert (truth["positions"], truth["open_orders"], truth["open_algos"]) == ([], [], [])
        with urlopen(
            Request(
                f"{self.venue.control_url}/shutdown", b"{}", {"Content-Type": "application/json"}
            )
        ):
            await self.venue.process.wait()
        papers = {
            "--journal": self.journal,
            "--node-state": run.run_dir / "final_state.json",
            "--limits": self.folder / "own.toml",
            "--unprotected-sec-max": DOWN_SEC_MAX,
        }
        words = [str(word) for pair in papers.items() for word in pair]
        assert check_wire([str(self.log), *words]) == 0


@asynccontextmanager
async def scene(folder: Path, strategies: str) -> AsyncIterator[Scene]:
    arguments = ("--seed", "7", "--account", "main:usdt=10000000:leverage=5:margin=CROSSED")
    log = ("--wire-log", str(folder / "wire.jsonl"))
    async with venue_process(*arguments, *log, keys_dir=folder) as venue:
        live = Scene(folder, venue)
        live.profile(strategies)
        try:
            yield live
        finally:
            if live.node is not None and live.node.poll() is None:
                live.node.kill()
                live.node.communicate()


def owners(found: list[dict[str, Any]]) -> dict[str, str]:
    return {row["instrument_id"].split("-")[0]: row["strategy_id"] for row in found}


def amounts(found: list[dict[str, Any]]) -> dict[str, Decimal]:
    return {row["instrument_id"].split("-")[0]: Decimal(row["quantity"]) for row in found}


def test_killed_with_resting_stops_and_again_while_its_exits_are_under_way(tmp_path: Path) -> None:
    async def play() -> None:
        strategies = BOTH_SIDES.format("BTCUSDT") + BOTH_SIDES.format("ETHUSDT")
        async with scene(tmp_path, strategies) as live:
            live.start()
            before = live.kill(lambda: len(live.held()) == 2 and live.is_covered())

            found = live.restart()

            assert amounts(found) == live.held()
            assert owners(found) == {"BTCUSDT": "BookImbalance-000", "ETHUSDT": "BookImbalance-001"}
            assert live.truth()["open_algos"] == before["open_algos"]  # none doubled, none moved
            assert live.truth()["open_orders"] == []

            # One exit never reaches the exchange; the other one does, and nobody tells the node.
            live.fault("reply_lost", on="order:true:BTCUSDT", count=1, args={"is_executed": False})
            live.fault("event_dropped", on="event:ETHUSDT", **{"for": "5s"})
            live.fault("slow_reply", on="order:true:ETHUSDT", count=1, args={"min_ms": 60_000})
            live.node.send_signal(signal.SIGTERM)
            live.kill(lambda: live.sent("/order", reduceOnly="true") >= 2)
            assert set(live.held()) == {"BTCUSDT"}

            live.restart()
            live.wait(live.is_covered)

            await live.judge(live.end())

    asyncio.run(play())


def test_killed_between_the_fill_and_its_stop_it_places_the_stop(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, ONE_TRADE) as live:
            live.fault("reply_lost", on="algo", count=1, args={"is_executed": False})
            live.start()
            left = live.kill(lambda: live.sent("/algoOrder"))
            assert (len(left["positions"]), left["open_algos"]) == (1, [])

            found = live.restart()
            live.wait(live.is_covered)

            assert amounts(found) == live.held()
            assert owners(found) == {"BTCUSDT": "OneTrade-000"}
            assert len(live.truth()["open_algos"]) == 1
            await live.judge(live.end())

    asyncio.run(play())


@pytest.mark.parametrize("is_executed", [True, False])
def test_killed_while_its_entry_is_in_doubt_it_believes_the_venue(
    tmp_path: Path, *, is_executed: bool
) -> None:
    async def play() -> None:
        async with scene(tmp_path, ONE_TRADE) as live:
            live.fault("event_dropped", on="event:BUY")
            live.fault("unknown_error", on="order:BUY", count=1, args={"is_executed": is_executed})
            live.start()
            left = live.kill(lambda: live.sent("/order"))
            assert bool(left["positions"]) is is_executed
            assert left["open_algos"] == []

            found = live.restart()

            assert amounts(found) == {
                row["symbol"]: Decimal(row["amt"]) for row in left["positions"]
            }
            live.wait(live.is_covered)
            assert len(live.truth()["open_algos"]) == 1
            await live.judge(live.end())

    asyncio.run(play())


def test_killed_with_a_partly_filled_entry_it_keeps_entry_and_stop_in_step(tmp_path: Path) -> None:
    def part() -> bool:
        qtys = [Decimal(row["executed_qty"]) for row in live.truth()["open_orders"]]
        return any(qtys) and live.is_covered()

    async def play() -> None:
        nonlocal live
        async with scene(tmp_path, PATIENT) as live:
            live.start()
            before = live.kill(part)

            found = live.restart()

            assert owners(found) == {"BTCUSDT": "OneTrade-000"}
            assert amounts(found)["BTCUSDT"] >= Decimal(before["positions"][0]["amt"])
            live.wait(live.is_covered)
            ids = {row["client_order_id"] for row in before["open_orders"]}
            assert {row["client_order_id"] for row in live.truth()["open_orders"]} <= ids
            assert len(live.truth()["open_algos"]) == 1
            await live.judge(live.end())

    live: Scene
    asyncio.run(play())


def test_a_position_left_on_purpose_is_taken_over_and_a_foreign_one_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def play() -> None:
        async with scene(tmp_path, ONE_TRADE + "flatten_on_stop = false\n") as live:
            live.start()
            live.wait(live.is_covered)
            left = live.end()
            assert (left.code, left.stderr) == (0, "")
            truth = live.truth()
            assert live.is_covered()
            believed = left.final_state["positions"]
            assert {symbol: Decimal(qty) for symbol, qty in believed.items()} == live.held()
            (stop,) = left.final_state["open_orders"]
            assert stop["client_order_id"] == truth["open_algos"][0]["client_algo_id"]

            rest = RestClient(live.venue.rest_url, *live.venue.keys["main"])
            foreign = {"symbol": "ETHUSDT", "type": "MARKET", "quantity": "0.5"}
            await rest.ok("POST", "/fapi/v1/order", side="BUY", **foreign)
            places = ("--out", tmp_path / "runs", "--state", tmp_path / "state")
            words = [str(word) for word in (*live.arguments, *places)]
            assert await asyncio.to_thread(main, words) == 78
            assert "foreign positions: ETHUSDT 0.5" in capsys.readouterr().err
            await rest.ok("POST", "/fapi/v1/order", side="SELL", **foreign)
            await rest.close()

            live.profile(ONE_TRADE)
            found = live.restart()
            assert owners(found) == {"BTCUSDT": "OneTrade-000"}
            assert live.truth()["open_algos"] == truth["open_algos"]
            run = live.end()
            assert (run.code, run.stderr) == (0, "")
            assert live.held() == {}

    asyncio.run(play())


def test_a_start_that_is_stopped_after_a_kill_does_not_pass_for_an_orderly_end(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        async with scene(tmp_path, ONE_TRADE) as live:
            live.start()
            live.kill(live.is_covered)
            live.fault("listen_key_refused", **{"for": "600s"})  # it does not come up
            live.start()
            state = live.journal.parent
            live.wait(lambda: read_node(state).pid == live.node.pid, signal.SIGTERM)

            run = finish(live.node, tmp_path)

            assert "stopped before it came up" in run.stdout, run.stderr
            assert read_node(state).trouble == f"the node (pid {live.node.pid}) is dead"
            assert live.is_covered()

    asyncio.run(play())
