"""Listen keys: one for each account, alive for an hour after it was last asked for."""

from __future__ import annotations

import random
import string

from venue.engine.errors import VenueError

_LETTERS = string.ascii_letters + string.digits


class ListenKeys:
    """
    The keys that open user data streams.

    Parameters
    ----------
    life_ms : int
        How long a key lives after it was created or extended.
    seed : int
        Makes the keys.

    """

    def __init__(self, life_ms: int, seed: int) -> None:
        self._life_ms = life_ms
        self._random = random.Random(f"listen keys {seed}")  # noqa: S311 - a rehearsal's keys
        self._keys: dict[str, tuple[str, int]] = {}  # account -> key, end of its life
        self.refused: VenueError | None = None

    def create(self, account: str, now_ms: int) -> str:
        """Return the account's key, a new one when none is alive; its hour begins anew."""
        if self.refused is not None:
            raise self.refused
        key, until_ms = self._keys.get(account, ("", 0))
        if now_ms >= until_ms:
            key = "".join(self._random.choices(_LETTERS, k=64))
        self._keys[account] = (key, now_ms + self._life_ms)
        return key

    def extend(self, account: str, now_ms: int) -> str:
        """Let the account's key live another hour, or raise -1125."""
        if self.refused is not None:
            raise self.refused
        key, until_ms = self._keys.get(account, ("", 0))
        if now_ms >= until_ms:
            raise VenueError(-1125, "This listenKey does not exist.")
        self._keys[account] = (key, now_ms + self._life_ms)
        return key

    def close(self, account: str) -> str | None:
        """Forget the account's key and return it."""
        key, _ = self._keys.pop(account, (None, 0))
        return key

    def account(self, key: str, now_ms: int) -> str | None:
        """Return whose living key this is."""
        for account, (own, until_ms) in self._keys.items():
            if own == key and now_ms < until_ms:
                return account
        return None

    def expire(self, now_ms: int, *, everything: bool = False) -> list[tuple[str, str]]:
        """Forget the keys whose time is over, or all; return (account, key) of each."""
        gone = [
            (account, key)
            for account, (key, until_ms) in self._keys.items()
            if everything or now_ms >= until_ms
        ]
        for account, _ in gone:
            del self._keys[account]
        return gone
