"""A signed REST client of its own: it needs a key and an address, and nothing of a node."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from typing import Any, Protocol, Self
from urllib.parse import urlencode

import aiohttp
from yarl import URL

RECV_WINDOW_MS = 5_000
REQUEST_SEC_MAX = 5.0
"""After so long without an answer nobody knows what became of a request; the next look tells."""
CONNECTIONS_MAX = 24
TIME_PATH = "/fapi/v1/time"
CLOCK_CODE = -1021
TOO_MANY_ORDERS_CODE = -1015
TOO_MANY, BANNED = 429, 418
PATIENCE_SEC = 2
"""How long a 429 without Retry-After keeps us away; the venue documents the header for spot alone."""
LONGER_SEC = 1.0
"""A silence is told once, and again when it grows by more than this."""
WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")


class KeyPair(Protocol):
    """An account's key pair (`configs.secrets.Credentials`)."""

    @property
    def api_key(self) -> str:
        """Return the key."""

    @property
    def api_secret(self) -> str:
        """Return the HMAC secret."""


class VenueError(Exception):
    """
    A request that did not succeed; the text names no key and no signature.

    Parameters
    ----------
    text : str
        The venue's words, or what went wrong on the way to it.
    code : int
        The venue's error code, 0 when it told none.
    status : int
        The HTTP status, 0 when there was no answer.

    """

    def __init__(self, text: str, *, code: int = 0, status: int = 0) -> None:
        super().__init__(f"{code}: {text}" if code else f"{status} {text}" if status else text)
        self.code = code
        self.status = status


class DirectClient:
    """
    Signs and sends, keeps the venue's patience, and measures its clock when that is in doubt.

    Use it as an asynchronous context manager.

    Parameters
    ----------
    rest_url : str
        Scheme, host and port.
    keys : KeyPair
        The account's keys.
    say : Callable
        Told what a person should know: bans, and a clock that is off.

    """

    def __init__(self, rest_url: str, keys: KeyPair, say: Callable[[str], None]) -> None:
        self._rest_url = rest_url
        self._keys = keys
        self._say = say
        self._session: aiohttp.ClientSession | None = None
        self._offset_ms = 0
        self._free_at = self._orders_free_at = 0.0  # monotonic seconds
        self.weight_used_1m = 0
        self.requests = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            timeout=aiohttp.ClientTimeout(total=REQUEST_SEC_MAX),
            headers={"X-MBX-APIKEY": self._keys.api_key},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def public(self, path: str) -> Any:
        """
        Ask for what needs no signature.

        Raises
        ------
        VenueError
            If there is no answer, or a refusal.

        """
        return await self._send("GET", path, "")

    async def signed(self, method: str, path: str, **params: str) -> Any:
        """
        Send a signed request; one that came too early or too late is sent again by the venue's clock.

        Raises
        ------
        VenueError
            If there is no answer, or a refusal. A write may have been carried out all the same.

        """
        try:
            return await self._send(method, path, params)
        except VenueError as e:
            if e.code != CLOCK_CODE:
                raise
        await self._measure_clock()
        return await self._send(method, path, params)

    async def _measure_clock(self) -> None:
        """Take the venue's time as ours (Binance: General Info, Timing security)."""
        sent = time.time_ns()
        answer = await self.public(TIME_PATH)
        middle_ms = (sent + time.time_ns()) // 2_000_000
        told = answer.get("serverTime") if isinstance(answer, dict) else None
        if not isinstance(told, int):
            raise VenueError(f"{TIME_PATH} tells no time")
        self._offset_ms = told - middle_ms
        self._say(f"our clock is {-self._offset_ms:+} ms off the venue's: corrected")

    async def _send(self, method: str, path: str, params: dict[str, str] | str) -> Any:
        assert self._session is not None, "Invariant: used inside its block"
        await self._await_patience(method)
        query = params if isinstance(params, str) else self._sign(params)
        url = URL(f"{self._rest_url}{path}" + (f"?{query}" if query else ""), encoded=True)
        self.requests += 1
        try:
            async with self._session.request(method, url) as reply:
                return self._read(reply, await reply.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            # The error's own text holds the whole address.
            raise VenueError(f"no answer to {method} {path}: {type(e).__name__}") from None

    def _sign(self, params: dict[str, str]) -> str:
        now_ms = time.time_ns() // 1_000_000 + self._offset_ms
        query = urlencode({**params, "recvWindow": RECV_WINDOW_MS, "timestamp": now_ms})
        secret = self._keys.api_secret.encode()
        return f"{query}&signature={hmac.new(secret, query.encode(), hashlib.sha256).hexdigest()}"

    def _read(self, reply: aiohttp.ClientResponse, raw: bytes) -> Any:
        self.weight_used_1m = _number(reply.headers.get(WEIGHT_HEADER), self.weight_used_1m)
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        if reply.status < 400 and body is not None:
            return body
        error = body if isinstance(body, dict) else {}
        code, text = _number(error.get("code"), 0), str(error.get("msg") or "no JSON in the answer")
        if reply.status in (TOO_MANY, BANNED):
            self._keep_away(code, reply.headers.get("Retry-After"), text)
        raise VenueError(text, code=code, status=reply.status)

    # -- patience ------------------------------------------------------------------------------------

    async def _await_patience(self, method: str) -> None:
        free_at = max(self._free_at, self._orders_free_at if method == "POST" else 0.0)
        while (wait := free_at - time.monotonic()) > 0:
            await asyncio.sleep(wait)
            free_at = max(self._free_at, self._orders_free_at if method == "POST" else 0.0)

    def _keep_away(self, code: int, retry_after: str | None, text: str) -> None:
        """Stay away as long as the venue says: asking on turns a 429 into a ban."""
        wait = float(max(_number(retry_after, PATIENCE_SEC), 0))
        told = _BANNED_UNTIL.search(text)
        if told is not None:
            wait = max(wait, int(told[1]) / 1_000 - time.time() - self._offset_ms / 1_000)
        until = time.monotonic() + wait
        if code == TOO_MANY_ORDERS_CODE:
            known, self._orders_free_at = self._orders_free_at, max(self._orders_free_at, until)
        else:
            known, self._free_at = self._free_at, max(self._free_at, until)
        if until > known + LONGER_SEC:  # Requests that were under way are all refused.
            self._say(f"the venue asks for {wait:.1f} s of silence: {text}")


def _number(told: object, otherwise: int) -> int:
    """Return what a venue, or whatever stands in front of it, tells as a number."""
    try:
        return int(str(told))
    except ValueError:
        return otherwise
