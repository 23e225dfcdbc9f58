"""Redis from a terminal: pull the switch there, and take back what a person resumes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from redis.exceptions import RedisError

from actors.redis_link import (
    KEY,
    RedisLink,
    addressee,
    latch_key,
    open_redis,
    pull_switch,
    switch_keys,
)
from configs.redis_link import redis_link
from configs.secrets import SecretsError, load_redis_password
from ops.direct.options import level_of
from ops.node_files import NodeFiles
from risk.kills import Kill, aimed, at_account, parse_kill
from risk.latch import LatchView

FAILURES = (RedisError, OSError, TimeoutError)


def link_of(node: NodeFiles) -> RedisLink | None:
    """
    Return the Redis of a node's profile, None where it has none.

    Call it once: a password that comes by a variable is taken out of the environment.

    Raises
    ------
    SecretsError
        If the file of its password is not kept as it must be.

    """
    if node.redis_url is None:
        return None
    keys = node.node.get("keys")
    password = load_redis_password(path=Path(keys) if keys and Path(keys).exists() else None)
    return redis_link(node.redis_url, node.profile["kill"].get("redis_loss"), password)


async def pull(node: NodeFiles, kill_text: str) -> str | None:
    """Pull the trader's own switch in Redis, where there is one; return what hindered it."""
    try:
        link = link_of(node)
        if link is None:
            return None
        await pull_switch(link, node.trader_id, kill_text)
    except (SecretsError, *FAILURES) as e:
        return f"not pulled in Redis: {e}"
    return None


async def pulled(node: NodeFiles, link: RedisLink | None) -> dict[str, Kill]:
    """
    Return the switches that are pulled for a node's trader in Redis, by key.

    Raises
    ------
    RedisError, OSError, TimeoutError
        If that cannot be known.

    """
    if link is None:
        return {}
    keys = switch_keys(node.trader_id)
    async with open_redis(link) as client:
        texts = [None if text is None else str(text) for text in await client.mget(keys)]
    default = level_of(None, node.profile)
    found: dict[str, Kill] = {}
    for key, text in zip(keys, texts, strict=True):
        named = None if text is None else addressee(text)
        if key == KEY and named not in (None, node.trader_id):
            continue
        kill = parse_kill(text, default=default, source="redis", by=f"redis {key}", ts_ns=0)
        if kill is not None:
            aim = aimed(kill, node.node.get("symbols") or (), node.node.get("strategies") or {})
            is_own = key != KEY or named is not None
            found[key] = aim or (at_account(kill) if is_own else kill)
    return found


def shared(kills: Mapping[str, Kill]) -> Kill | None:
    """Return the kill that everybody's switch holds, None when that is not among these."""
    return kills.get(KEY)


async def withdraw(node: NodeFiles, link: RedisLink | None, kills: Mapping[str, Kill]) -> list[str]:
    """
    Take back the switches of these keys in Redis; return the keys.

    A key that holds another kill by now stays pulled. Everybody's switch is let go for every trader.

    Raises
    ------
    RedisError, OSError, TimeoutError
        If that was not done; also when one is pulled in this very moment.

    """
    if link is None or not kills:
        return []
    async with open_redis(link) as client, client.pipeline() as pipe:
        await pipe.watch(*kills)
        found = await pulled(node, link)
        keys = [key for key, kill in kills.items() if found.get(key) == kill]
        pipe.multi()  # type: ignore[no-untyped-call]
        if keys:
            pipe.delete(*keys)
        await pipe.execute()
    return keys


async def note_latch(node: NodeFiles, link: RedisLink | None, view: LatchView) -> None:
    """
    Put a latch there, where the next start looks, too.

    Raises
    ------
    RedisError, OSError, TimeoutError
        If that was not done.

    """
    if link is None:
        return
    async with open_redis(link) as client:
        await client.set(latch_key(node.trader_id), view.encode())
