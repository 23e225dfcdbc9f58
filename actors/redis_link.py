"""Where the kill switch lies in Redis, and the way there; without NautilusTrader."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

KEY = "KILL_SWITCH"
CHANNEL = "quantmind:kill"
ANSWER_SEC_MAX = 1.0
"""Longest wait for an answer; a Redis that hangs is lost."""


def latch_key(trader_id: str) -> str:
    """Return the key under which a node keeps its latch."""
    return f"quantmind:{trader_id}:latch"


def switch_keys(trader_id: str) -> tuple[str, str]:
    """Return the keys that pull the switch: everybody's, and this trader's own."""
    return KEY, f"{KEY}:{trader_id}"


def addressee(text: str) -> str | None:
    """Return the trader that a switch's JSON names, None where it is for whoever reads it."""
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        return None
    named = table.get("trader_id") if isinstance(table, dict) else None
    return None if named is None else str(named)


class RedisLink(NamedTuple):
    """
    Which Redis a switch listens to.

    Parameters
    ----------
    url : str
        ``redis://``, ``rediss://`` or ``unix://``, without a password.
    holds_when_lost : bool
        Whether new risk is held back while it is away; otherwise it is an alarm only.
    password : Callable, optional
        Returns the password; it is in no object that could show it.

    """

    url: str
    holds_when_lost: bool
    password: Callable[[], str] | None = None


class _Password(CredentialProvider):
    def __init__(self, password: Callable[[], str]) -> None:
        self._password = password

    def get_credentials(self) -> tuple[str]:
        return (self._password(),)

    async def get_credentials_async(self) -> tuple[str]:
        return self.get_credentials()


def open_redis(link: RedisLink) -> Redis:
    """Return a client that waits for no answer longer than `ANSWER_SEC_MAX`, and tries once."""
    own = {} if link.password is None else {"credential_provider": _Password(link.password)}
    return Redis.from_url(
        link.url, decode_responses=True, encoding_errors="replace",
        socket_timeout=ANSWER_SEC_MAX, socket_connect_timeout=ANSWER_SEC_MAX,
        retry=Retry(NoBackoff(), 0), **own,
    )  # fmt: skip


async def pull_switch(link: RedisLink, trader_id: str, text: str) -> None:
    """
    Pull a trader's own switch: the key that stays, and the message that is heard at once.

    Raises
    ------
    RedisError, OSError, TimeoutError
        If that was not done.

    """
    async with open_redis(link) as client:
        await client.set(switch_keys(trader_id)[1], text)
        await client.publish(CHANNEL, text)
