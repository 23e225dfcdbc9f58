"""A venue, and nodes that are killed on it one after another, seen from outside alone."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from risk.state_dir import StateDir

ROOT = Path(__file__).resolve().parents[1]
PROFILE = ROOT / "configs" / "profiles" / "rehearsal.toml"
TRADER = "REHEARSAL-001"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
TRADED = SYMBOLS[:2]
WALLET_USDT = 50_000_000
TRADE_USDT = 400_000
POLL_SEC = 0.002
PULL_SEC = 0.3
"""After so long a node that lives has taken a pull, and what it had sent before has arrived."""
UP_SEC_MAX = 90
ENDED_SEC_MAX = 90
Truth = dict[str, Any]


class SceneError(RuntimeError):
    """Something that the benchmark cannot go on without did not happen; the text says what."""


@dataclass
class Life:
    """
    One process of the node. Times are Unix seconds, None for what it did not live to see.

    ``recorded`` is when it wrote down who it is (all is imported, the pre-flight is over), ``up``
    its first heartbeat, ``recovered`` when its trading state was known, its books were the venue's
    and every position was protected.

    """

    number: int
    process: subprocess.Popen[bytes]
    started: float
    must_be_killed: bool
    recorded: float | None = None
    up: float | None = None
    recovered: float | None = None
    dead: float | None = None
    moment: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """Return its process."""
        return self.process.pid


class Scene:
    """
    Where it all happens.

    Parameters
    ----------
    folder : Path
        For everything: state, runs, wire log.
    seed : int
        Of the venue's market.

    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.state = StateDir(folder / "state" / TRADER)
        self.wire = folder / "wire.jsonl"
        self.profile = folder / "profile.toml"
        self.lives: list[Life] = []
        self.killed_spans: list[tuple[float, float]] = []
        """When no new risk could be taken: from a pull that the node had time for, to a resume."""
        self._killed_since: float | None = None
        self._venue: subprocess.Popen[bytes] | None = None
        self._told: dict[str, Any] = {}
        self._control: http.client.HTTPConnection | None = None
        folder.mkdir(parents=True)
        self.profile.write_text(profile_text(seed))
        self._seed = seed

    # -- the venue ----------------------------------------------------------------------------------

    @contextmanager
    def venue(self) -> Iterator[None]:
        """Run the venue; what still lives at the end is ended."""
        arguments = {
            "--announce": "json", "--keys-dir": f"{self.folder}", "--wire-log": f"{self.wire}",
            "--account": f"main:usdt={WALLET_USDT}:leverage=5:margin=CROSSED",
            "--symbols": ",".join(SYMBOLS), "--seed": f"{self._seed}",
        }  # fmt: skip
        words = [word for pair in arguments.items() for word in pair]
        with (self.folder / "venue.log").open("wb") as log:
            self._venue = subprocess.Popen(
                [sys.executable, "-m", "venue", *words, "--exit-with-parent"], cwd=ROOT,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        try:
            assert self._venue.stdout is not None, "Invariant: started with a pipe"
            self._told = json.loads(self._venue.stdout.readline())
            netloc = urlsplit(self._told["control_url"]).netloc
            self._control = http.client.HTTPConnection(netloc, timeout=10)
            yield
        finally:
            for life in self.lives:
                if life.process.poll() is None:
                    life.process.kill()
                    life.process.wait()
            with suppress(OSError, http.client.HTTPException):
                self.ask("shutdown", {})
            self._venue.communicate()

    def ask(self, what: str, body: dict[str, Any] | None = None) -> Any:
        """Return what the control address answers."""
        assert self._control is not None, "Invariant: the venue runs"
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
        headers = {"Content-Type": "application/json"}
        self._control.request(method, f"/control/{what}", data, headers)
        with self._control.getresponse() as answer:
            told = json.load(answer)
        if answer.status != http.client.OK:
            raise SceneError(f"{what}: {told}")
        return told

    def truth(self) -> Truth:
        """Return what the account holds."""
        return dict(self.ask("truth")["main"])

    def requests(self, since: int) -> list[dict[str, Any]]:
        """Return the newest requests that may create an order, from line *since* of the wire log."""
        rows = self.ask("log?tail=40")
        return [
            row for row in rows
            if row["kind"] == "request" and row["n"] > since and row["method"] == "POST"
            and row["path"] in ("/fapi/v1/order", "/fapi/v1/algoOrder")
        ]  # fmt: skip

    def newest_line(self) -> int:
        """Return the number of the newest line of the wire log."""
        return int(self.ask("log?tail=1")[-1]["n"])

    # -- the node -----------------------------------------------------------------------------------

    def start(self) -> Life:
        """
        Start the node; whether it must come up killed is what the files on disk say now.

        A start asks for a fifth of the venue's weight: more than two a minute would be told to come
        again later (exit code 75), which is not what is measured.

        """
        self.ask("forget_uses", {})
        command = [
            sys.executable, "-W", "ignore", str(ROOT / "run_live.py"),
            "--profile", str(self.profile), "--venue", self._told["rest_url"],
            "--keys", self._told["accounts"]["main"],
            "--out", str(self.folder / "runs"), "--state", str(self.folder / "state"),
        ]  # fmt: skip
        number = len(self.lives) + 1
        with (self.folder / f"life-{number:03}.txt").open("wb") as output:
            must_be_killed, started = self.is_killed(), time.time()
            process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        life = Life(number, process, started, must_be_killed)
        self.lives.append(life)
        return life

    def words(self, life: Life) -> str:
        """Return the last line that a node has printed."""
        text = (self.folder / f"life-{life.number:03}.txt").read_text(errors="replace").strip()
        return text.splitlines()[-1] if text else "nothing said"

    def wait(self, life: Life, condition: Callable[[], Any], secs: float) -> Any:
        """Return the first true value of *condition*; None when there is none in time or it died."""
        end = time.monotonic() + secs
        while not (value := condition()):
            if time.monotonic() > end or life.process.poll() is not None:
                return None
            pause(POLL_SEC)
        return value

    def kill(self, life: Life, moment: str) -> None:
        """End it by SIGKILL, now."""
        life.process.send_signal(signal.SIGKILL)
        life.dead = time.time()
        life.moment = moment
        if life.process.wait() != -signal.SIGKILL:
            life.wrong.append(f"ended by itself ({life.process.returncode}): {self.words(life)}")

    def end(self, life: Life) -> int:
        """End it in order; return its exit code."""
        life.process.send_signal(signal.SIGTERM)
        code = life.process.wait(timeout=ENDED_SEC_MAX)
        life.dead, life.moment = time.time(), "in order"
        return code

    def pull(self, level: str) -> None:
        """Pull the switch by its file."""
        part = self.state.kill.with_suffix(".new")
        part.write_text(f"{level} benchmark")
        part.replace(self.state.kill)
        self._killed_since = self._killed_since or time.time() + PULL_SEC

    def begin_resume(self) -> None:
        """Note that from now on it may trade again."""
        if self._killed_since is not None:
            self.killed_spans.append((self._killed_since, time.time()))
            self._killed_since = None

    # -- what its files say -------------------------------------------------------------------------

    def is_killed(self) -> bool:
        """Return whether the files say that no new risk may be taken."""
        if self.state.kill.exists():
            return True
        latch = self.table(self.state.latch)
        return bool(latch) and (latch["state"] != "ACTIVE" or bool(latch["kills"]))

    def record(self, life: Life) -> dict[str, Any]:
        """Return the node's record, an empty one until it is of this life."""
        table = self.table(self.state.node)
        return table if table.get("pid") == life.pid else {}

    def beat(self, life: Life) -> dict[str, Any]:
        """Return the newest heartbeat, an empty one until it is of this life."""
        table = self.table(self.state.heartbeat)
        return table if table.get("pid") == life.pid else {}

    def is_flattened(self) -> bool:
        """Return whether the node says that a FLATTEN is done and verified."""
        try:
            rows = json.loads(self.state.kills.read_text())
        except (OSError, ValueError):
            return False
        return any(row["level"] == "FLATTEN" and row["flat_ns"] for row in rows)

    def table(self, path: Path) -> dict[str, Any]:
        """Return a JSON object from a file, an empty one where there is none."""
        try:
            return dict(json.loads(path.read_text()))
        except FileNotFoundError:
            return {}


def pause(secs: float) -> None:
    """Let time pass, here where no event loop runs."""
    time.sleep(secs)  # noqa: TID251 - a process of its own that only watches


def held(truth: Truth) -> dict[str, Decimal]:
    """Return the venue's positions, signed base units."""
    return {row["symbol"]: Decimal(row["amt"]) for row in truth["positions"] if Decimal(row["amt"])}


def bare(truth: Truth) -> list[str]:
    """Return the symbols whose position no reduce-only stops (or exits on their way) cover in full."""
    found = []
    for symbol, amt in held(truth).items():
        side = "SELL" if amt > 0 else "BUY"
        rows = [r for r in truth["open_algos"] if r["reduce_only"] and r["order_id"] is None]
        rows += [r for r in truth["open_orders"] if r["reduce_only"] and r["type"] == "MARKET"]
        mine = (Decimal(r["qty"]) for r in rows if (r["symbol"], r["side"]) == (symbol, side))
        if sum(mine, Decimal(0)) < abs(amt):
            found.append(symbol)
    return found


def profile_text(seed: int) -> str:
    """Return the shipped rehearsal profile with `Churn` on every symbol, and caps that it fits in."""
    text = PROFILE.read_text().split("[[strategies]]")[0]
    for key, value in (
        (r"\w*notional_usdt_max", "2_000_000"), ("order_qty_max", "1_000_000"),
        ("repeated_entries_max", "1_000_000"), ("messages_per_min_max", "1_000"),
        ("daily_loss_ratio_max", "0.5"), ("drawdown_ratio_max", "0.5"), ("seed", str(seed)),
    ):  # fmt: skip
        text = re.sub(rf"(?m)^({key}) = \S+$", rf"\1 = {value}", text)
    for symbol in TRADED:
        text += (
            '[[strategies]]\npath = "benchmarks._recovery_strategy:Churn"\n[strategies.params]\n'
            f'instrument_id = "{symbol}-PERP.BINANCE"\ntrade_risk_usdt = 20_000\n'
            f"trade_notional_usdt_max = {TRADE_USDT}\n"
        )
    return text
