"""The one way in for keys: from a file or the environment, to the adapter, and nowhere else."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from configs.profile import Environment


DEFAULT_FILE = Path(".env")
KEY_NAMES: dict[Environment, tuple[str, str]] = {
    "local": ("BINANCE_API_KEY", "BINANCE_API_SECRET"),
    "demo": ("BINANCE_DEMO_API_KEY", "BINANCE_DEMO_API_SECRET"),
    "live": ("BINANCE_LIVE_API_KEY", "BINANCE_LIVE_API_SECRET"),
}
"""Demo and live keys have names of their own, so that no file can stand in for the other."""
REDIS_PASSWORD_NAME = "QUANTMIND_REDIS_PASSWORD"  # noqa: S105 - its name

FILE_BYTES_MAX = 65_536


class SecretsError(ValueError):
    """Keys that are missing or badly kept; the text is one sentence and names no value."""


class _Kept:
    """What no repr, copy, pickle or JSON ever shows."""

    __slots__ = ("source",)

    def __init__(self, source: str) -> None:
        self.source = source

    def __repr__(self) -> str:
        return f"{type(self).__name__}(source={self.source!r})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("keys are not copied and not written down")


class Credentials(_Kept):
    """
    An account's key pair.

    Parameters
    ----------
    api_key, api_secret : str
        The pair, as the venue gave it out (HMAC).
    source : str
        Where it came from, for messages.

    """

    __slots__ = ("_api_key", "_api_secret")

    def __init__(self, api_key: str, api_secret: str, source: str) -> None:
        super().__init__(source)
        self._api_key = api_key
        self._api_secret = api_secret

    @property
    def api_key(self) -> str:
        """Return the key."""
        return self._api_key

    @property
    def api_secret(self) -> str:
        """Return the secret."""
        return self._api_secret


class Password(_Kept):
    """A password, and where it came from."""

    __slots__ = ("_password",)

    def __init__(self, password: str, source: str) -> None:
        super().__init__(source)
        self._password = password

    def reveal(self) -> str:
        """Return it."""
        return self._password


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


def load_redis_password(
    *,
    path: Path | None = None,
    environ: MutableMapping[str, str] = os.environ,
    folder: Path = Path(),
) -> Password | None:
    """
    Load the password of the kill switch's Redis: from *path*, else the variable, else ``.env``.

    Kept as keys are (see `load_credentials`), but a file that lacks it is no error: a Redis may have
    none.

    Raises
    ------
    SecretsError
        If a file that holds it is not kept as a key file must be, or it is no password.

    """
    value = environ.pop(REDIS_PASSWORD_NAME, "").strip()
    if path is not None and (kept := _table(path).get(REDIS_PASSWORD_NAME)):
        return _password(kept, f"the key file {path}")
    if value:
        return _password(value, "environment variables")
    default = folder / DEFAULT_FILE
    if (default.exists() or default.is_symlink()) and (
        kept := _table(default).get(REDIS_PASSWORD_NAME)
    ):
        return _password(kept, f"the key file {default}")
    return None


def _password(text: str, source: str) -> Password:
    _judge_text(REDIS_PASSWORD_NAME, text, source)
    return Password(text, source)


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
    return _pair(_table(path), names, f"the key file {path}")


def _table(path: Path) -> dict[str, str]:
    """Return the assignments of a key file that is kept as it must be."""
    problem = file_problem(path)
    if problem is not None:
        raise SecretsError(f"the key file {path} {problem}")
    try:
        with path.open(encoding="utf-8") as file:
            lines = file.read(FILE_BYTES_MAX).splitlines()
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is no text"
        raise SecretsError(f"the key file {path} cannot be read: {reason}") from None
    return dict(_assignment(line) for line in lines)


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
        _judge_text(name, value, source)
    return Credentials(table[names[0]], table[names[1]], source)


def _judge_text(name: str, value: str, source: str) -> None:
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise SecretsError(f"{name} in {source} is no key: it holds blanks or odd characters")
