"""A local venue in a test: in the test's own loop or as a process, and a small signed client."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from venue.config import AccountConfig, VenueConfig
from venue.market.events import Source
from venue.server import Venue
from venue.wire.signing import sign

ROOT = Path(__file__).resolve().parents[1]


async def until(condition: Callable[[], Any], secs: float = 20.0, what: str = "") -> Any:
    """Return the first true value of *condition*, polled; fail when there is none in time."""
    end = time.monotonic() + secs
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {secs} s in vain for {what or condition}"
        await asyncio.sleep(0.005)
    return value


@asynccontextmanager
async def local_venue(source: Source | None = None, **settings: Any) -> AsyncIterator[Venue]:
    """
    Run a venue in this loop, by default one whose market stands still until the test moves it.

    *settings* are those of ``VenueConfig``; ``venue.move(symbol, price)`` moves the market, and
    ``client(venue)`` trades on it.

    """
    settings = {"market": "still", "symbols": ("BTCUSDT", "ETHUSDT"), "seed": 1} | settings
    venue = Venue(VenueConfig(**settings), source)
    await venue.start()
    try:
        yield venue
    finally:
        await venue.stop()


def account(name: str = "main", usdt: int | str = 100_000, **settings: Any) -> AccountConfig:
    return AccountConfig(name=name, wallet={"USDT": Decimal(usdt)}, **settings)


@dataclass(frozen=True)
class VenueProcess:
    """A venue that runs as a process: its announcement, and the process."""

    rest_url: str
    ws_url: str
    control_url: str
    keys: Mapping[str, tuple[str, str]]
    process: asyncio.subprocess.Process


@asynccontextmanager
async def venue_process(
    *arguments: str, keys_dir: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[VenueProcess]:
    """Run ``python -m venue`` with *arguments*, wait for its announcement, and end it after."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "venue", "--announce", "json", "--exit-with-parent",
        "--keys-dir", str(keys_dir), *arguments,
        cwd=ROOT, env={**os.environ, **(environment or {})},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        told = json.loads(line)
        keys = {name: read_keys(Path(path)) for name, path in told["accounts"].items()}
        yield VenueProcess(told["rest_url"], told["ws_url"], told["control_url"], keys, process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 20)


def read_keys(path: Path) -> tuple[str, str]:
    """Return API key and secret of a key file."""
    pairs = dict(line.split("=", 1) for line in path.read_text().splitlines())
    return pairs["BINANCE_API_KEY"], pairs["BINANCE_API_SECRET"]


@dataclass(frozen=True)
class Answer:
    """What the venue said."""

    status: int
    body: Any
    headers: Mapping[str, str]


class RestClient:
    """A signed REST client of a few lines, with every knob a test of the transport turns."""

    def __init__(self, rest_url: str, key: str, secret: str) -> None:
        self.rest_url, self.key, self.secret = rest_url, key, secret
        self._session = aiohttp.ClientSession()

    async def close(self) -> None:
        await self._session.close()

    async def send(
        self, method: str, path: str, query: str = "", body: str = "", key: str | None = None
    ) -> Answer:
        """Send the raw *query* and form *body* as they are."""
        headers = {"X-MBX-APIKEY": self.key if key is None else key}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        url = URL(f"{self.rest_url}{path}" + (f"?{query}" if query else ""), encoded=True)
        async with self._session.request(method, url, data=body or None, headers=headers) as reply:
            text = await reply.text()
            return Answer(reply.status, json.loads(text) if text else None, reply.headers)

    async def call(
        self, method: str, path: str, *, timestamp: int | None = None, **params: Any
    ) -> Answer:
        """Send a signed request with *params* in the query."""
        params["timestamp"] = timestamp or time.time_ns() // 1_000_000
        query = urlencode(params)
        return await self.send(method, path, f"{query}&signature={sign(self.secret, query)}")

    async def ok(self, method: str, path: str, **params: Any) -> Any:
        """Send a signed request and return its body; it must succeed."""
        answer = await self.call(method, path, **params)
        assert answer.status == 200, (path, params, answer)
        return answer.body

    async def get(self, path: str, **params: Any) -> Any:
        """Ask for public data; it must succeed."""
        answer = await self.send("GET", path, urlencode(params))
        assert answer.status == 200, (path, params, answer)
        return answer.body


@asynccontextmanager
async def client(venue: Venue, name: str = "main") -> AsyncIterator[RestClient]:
    """Yield a REST client with the key of one of the venue's accounts."""
    own = venue.keys.of(name)
    rest = RestClient(venue.rest_url, own.key, own.secret)
    try:
        yield rest
    finally:
        await rest.close()


class Listening:
    """A WebSocket whose messages gather in ``messages``, decoded."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.messages: list[Any] = []
        self.closed = False

    async def gather(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.messages.append(json.loads(message.data))
        self.closed = True

    def of(self, kind: str) -> list[Any]:
        """Return the messages whose event type is *kind*, unwrapped."""
        bare = [m.get("data", m) if isinstance(m, dict) else m for m in self.messages]
        return [m for m in bare if isinstance(m, dict) and m.get("e") == kind]


@asynccontextmanager
async def listening(url: str, **options: Any) -> AsyncIterator[Listening]:
    """Connect to a WebSocket and gather what comes."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url, **options) as socket:
        ear = Listening(socket)
        task = asyncio.create_task(ear.gather())
        try:
            yield ear
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def user_stream(venue: Venue, rest: RestClient) -> AsyncIterator[Listening]:
    """Listen to the user data of the client's account."""
    key = (await rest.send("POST", "/fapi/v1/listenKey")).body["listenKey"]
    async with listening(f"{venue.ws_url}/private/ws/{key}") as ear:
        await until(lambda: key in venue.wire.user_streams.open_keys())
        yield ear
