"""API keys of the venue's accounts, and the files in which their owners find them."""

from __future__ import annotations

import os
import random
import secrets
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LETTERS = string.ascii_letters + string.digits
_LENGTH = 64


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One account's key; the secret shows in no repr."""

    account: str
    key: str = field(repr=False)
    secret: str = field(repr=False)


class KeyRing:
    """
    The keys of all accounts.

    Parameters
    ----------
    accounts : iterable of str
        The names of the accounts; each gets one key.
    seed : int, optional
        Makes the same keys each time, for scripts that are compared; by default they come from
        the system's randomness.

    """

    def __init__(self, accounts: Iterable[str], seed: int | None) -> None:
        choice = secrets.choice if seed is None else random.Random(f"keys {seed}").choice  # noqa: S311
        self._by_account = {
            name: ApiKey(
                name,
                "".join(choice(_LETTERS) for _ in range(_LENGTH)),
                "".join(choice(_LETTERS) for _ in range(_LENGTH)),
            )
            for name in accounts
        }
        self._by_key = {own.key: own for own in self._by_account.values()}

    def of(self, account: str) -> ApiKey:
        """Return the key of *account*."""
        return self._by_account[account]

    def find(self, key: str) -> ApiKey | None:
        """Return whose key this is."""
        return self._by_key.get(key)

    def revoke(self, account: str) -> None:
        """Let the account's key be unknown from now on."""
        self._by_key.pop(self._by_account[account].key, None)

    def write(self, folder: Path) -> dict[str, Path]:
        """Write each account's key into a file of mode 0600 and return the paths."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths = {}
        for name, own in self._by_account.items():
            path = folder / f"{name}.env"
            path.unlink(missing_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(f"BINANCE_API_KEY={own.key}\nBINANCE_API_SECRET={own.secret}\n")
            paths[name] = path
        return paths


def looks_like_a_key(text: str) -> bool:
    """Return whether *text* has the form of a key at all (-2014 otherwise)."""
    return len(text) == _LENGTH and text.isascii() and text.isalnum()
