"""A profile's Redis with its password, for whoever pulls or hears the kill switch there."""

from __future__ import annotations

from actors.redis_link import RedisLink
from configs.secrets import Password


def redis_link(url: str | None, loss: str | None, password: Password | None) -> RedisLink | None:
    """Return where Redis is, None where the profile names none (``kill.redis_url``)."""
    if url is None:
        return None
    return RedisLink(url, loss == "HOLD", None if password is None else password.reveal)
