"""The one way in for keys: from a file or the environment, to the adapter, and nowhere else."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import MutableMapping
from pathlib import Path
from typing import NoReturn

from configs.profile import Environment

DEFAULT_FILE = Path(".env")
KEY_NAMES: dict[Environment, tuple[str, str]] = {
    "local": ("BINANCE_API_KEY", "BINANCE_API_SECRET"),
    "demo": ("BINANCE_DEMO_API_KEY", "BINANCE_DEMO_API_SECRET"),
    "live": ("BINANCE_LIVE_API_KEY", "BINANCE_LIVE_API_SECRET"),
}
"""Demo and live keys have names of their own, so that no file can stand in for the other."""

FILE_BYTES_MAX = 65_536


class SecretsError(ValueError):
    """Keys that are missing or badly kept; the text is one sentence and names no value."""


class Credentials:
    """
    An account's key pair, which no repr, copy, pickle or JSON ever shows.

    Parameters
    ----------
    api_key, api_secret : str
        The pair, as the venue gave it out (HMAC).
    source : str
        Where it came from, for messages.

    """

    __slots__ = ("_api_key", "_api_secret", "source")

    def __init__(self, api_key: str, api_secret: str, source: str) -> None:
        self._api_key = api_key
        self._api_secret = api_secret
        self.source = source

    @property
    def api_key(self) -> str:
        """Return the key."""
        return self._api_key

    @property
    def api_secret(self) -> str:
        """Return the secret."""
        return self._api_secret

    def __repr__(self) -> str:
        return f"Credentials(source={self.source!r})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("keys are not copied and not written down")


def load_credentials(
    environment: Environment,
    *,
    path: Path | None = None,
    environ: MutableMapping[str, str] = os.environ,
    folder: Path = Path(),
) -> Credentials:
    """
    Load the keys of an environment: from *path*, else the variables, else ``.env``.

    Variables are taken out of *environ*, so that no child process inherits them.

    Parameters
    ----------
    environment : {"local", "demo", "live"}
        Which keys; each kind has names of its own (`KEY_NAMES`).
    path : Path, optional
        A key file that was named; then nothing else is looked at.
    environ : MutableMapping
        The environment variables.
    folder : Path
        Where ``.env`` lies.

    Raises
    ------
    SecretsError
        If a key is missing or empty, or its file is not kept as a key file must be.

    """
    names = KEY_NAMES[environment]
    if path is not None:
        return _from_file(path, names)
    found = {name: value for name in names if (value := environ.pop(name, "").strip())}
    if found:
        return _pair(found, names, "environment variables")
    default = folder / DEFAULT_FILE
    if default.exists() or default.is_symlink():
        return _from_file(default, names)
    raise SecretsError(
        f"no keys for the {environment} environment: set {names[0]} and {names[1]}, or write both "
        f"into {DEFAULT_FILE} or a file given by --keys (mode 0600)"
    )


def file_problem(path: Path) -> str | None:
    """
    Return what is wrong with how a key file is kept, or None.

    It must be a regular file of the user's own that nobody else may read, and no part of a git
    repository's contents.

    """
    try:
        found = path.lstat()
    except OSError as e:
        return f"cannot be read: {e.strerror}"
    if not stat.S_ISREG(found.st_mode):
        return "must be a regular file, and no link to one"
    if found.st_uid != os.geteuid():
        return f"belongs to user {found.st_uid}, must belong to user {os.geteuid()}"
    if found.st_mode & 0o177:
        return f"has mode {stat.S_IMODE(found.st_mode):04o}, must be 0600 (chmod 600 {path})"
    if _is_tracked(path):
        return "is tracked by git: revoke these keys, then git rm --cached the file"
    return None


def _is_tracked(path: Path) -> bool:
    git = shutil.which("git")
    if git is None:
        return False  # Without git nothing here was committed.
    asked = subprocess.run(  # noqa: S603 - git itself, on a path after "--"
        [git, "-C", path.absolute().parent, "ls-files", "--error-unmatch", "--", path.name],
        capture_output=True,
        check=False,
    )
    return asked.returncode == 0


def _from_file(path: Path, names: tuple[str, str]) -> Credentials:
    problem = file_problem(path)
    if problem is not None:
        raise SecretsError(f"the key file {path} {problem}")
    try:
        with path.open(encoding="utf-8") as file:
            lines = file.read(FILE_BYTES_MAX).splitlines()
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is no text"
        raise SecretsError(f"the key file {path} cannot be read: {reason}") from None
    table = dict(_assignment(line) for line in lines)
    return _pair(table, names, f"the key file {path}")


def _assignment(line: str) -> tuple[str, str]:
    """Return name and value of ``NAME=value``; what is no assignment gives an empty name."""
    name, _, value = line.strip().removeprefix("export ").partition("=")
    if name.startswith("#") or not value:
        return "", ""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return name.strip(), value


def _pair(table: dict[str, str], names: tuple[str, str], source: str) -> Credentials:
    for name in names:
        value = table.get(name, "")
        if not value:
            raise SecretsError(f"{name} is missing from {source}")
        if not (value.isascii() and value.isprintable()) or " " in value:
            raise SecretsError(f"{name} in {source} is no key: it holds blanks or odd characters")
    return Credentials(table[names[0]], table[names[1]], source)
