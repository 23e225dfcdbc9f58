"""Fetch one archive over HTTP so that only whole, verified files ever bear its name."""

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event

CHUNK_BYTES = 1 << 16
# An attempt that brought this much is not a failed one: a long file may come in many pieces.
PROGRESS_BYTES = 1 << 20
CHECKSUM = re.compile(r"(?P<sha256>[0-9a-f]{64})\s+\*?(?P<name>\S+)\s*")
PASSING_STATUS = (408, 425, 429)


class Status(StrEnum):
    """How fetching a file ended."""

    FETCHED = "fetched"
    KEPT = "kept"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """
    How long to wait and how often to try again.

    ``timeout_secs`` bounds the silence on a connection, not the whole transfer. After a fault
    the next attempt waits ``backoff_secs``, then twice that, and so on, at most 30 seconds.
    """

    timeout_secs: float = 20.0
    attempts_max: int = 5
    backoff_secs: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How fetching ended, and why where it is not good."""

    status: Status
    reason: str = ""

    @property
    def is_here(self) -> bool:
        """Return whether the whole, verified file is on the disk."""
        return self.status in (Status.FETCHED, Status.KEPT)


class _Missing(Exception):  # noqa: N818 - an answer, not an error
    """The server has no such file (404)."""


class _Refused(Exception):  # noqa: N818 - an answer, not an error
    """The server's answer will be the same next time."""


class _Passing(Exception):  # noqa: N818 - a fault that may pass
    """Another attempt may go better."""


# What the network raises when a connection breaks, stalls or is refused.
_FAULTS = (OSError, http.client.HTTPException, _Passing)


def fetch(url: str, target: Path, patience: Patience, stop: Event) -> Outcome:
    """
    Bring *url* to *target*, verified against ``url.CHECKSUM``.

    Data goes to ``target.part`` first and takes its name only when its sha256 is right; the
    checksum is kept beside it. A part that an earlier run left is continued where the server
    can (HTTP Range), else begun again. A target that is whole already is not fetched twice.

    Parameters
    ----------
    url : str
        Address of the archive, http or https.
    target : Path
        Where it goes; folders are made.
    patience : Patience
        Timeouts and attempts.
    stop : Event
        Once set, no further attempt is made.

    """
    try:
        sha256 = _repeat(lambda: _checksum(url, target.name, patience), patience, stop)
        if target.is_file() and _sha256(target) == sha256:
            return Outcome(status=Status.KEPT)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        _repeat(lambda: _body(url, part, sha256, patience, stop), patience, stop, part)
    except _Missing:
        return Outcome(status=Status.MISSING, reason="404")
    except (_Refused, *_FAULTS) as e:
        return Outcome(status=Status.FAILED, reason=f"{url}: {e}")
    checksum = target.with_name(f"{target.name}.CHECKSUM")
    checksum.write_text(f"{sha256}  {target.name}\n", "utf-8")
    part.rename(target)
    return Outcome(status=Status.FETCHED)


def _repeat[T](
    attempt: Callable[[], T], patience: Patience, stop: Event, part: Path | None = None
) -> T:
    """Return what *attempt* returns; after a fault wait and try again, a bounded number of times."""
    failures = 0
    while True:
        before = _size(part)
        try:
            return attempt()
        except _FAULTS:
            has_progress = _size(part) - before >= PROGRESS_BYTES
            failures = 1 if has_progress else failures + 1
            if failures >= patience.attempts_max or stop.is_set():
                raise
        if stop.wait(min(patience.backoff_secs * 2 ** (failures - 1), 30.0)):
            raise _Passing("stopped")


def _checksum(url: str, name: str, patience: Patience) -> str:
    try:
        with _open(f"{url}.CHECKSUM", patience) as answer:
            text = answer.read(4096).decode("ascii", "replace")
    except _Missing:
        with _open(url, patience):
            raise _Refused("the file is there, but its .CHECKSUM is not") from None
    if (match := CHECKSUM.fullmatch(text)) is None or match["name"] != name:
        raise _Passing(f"its .CHECKSUM reads {text[:80]!r}, expected '<sha256>  {name}'")
    return match["sha256"]


def _body(url: str, part: Path, sha256: str, patience: Patience, stop: Event) -> None:
    """Complete *part*; leave what arrived for the next attempt, nothing if it is wrong."""
    have = _size(part)
    with _open(url, patience, first_byte=have) as answer:
        is_rest = answer.status == 206 and _starts_at(answer, have)
        if answer.status == 206 and not is_rest:
            part.unlink()
            raise _Passing(f"asked from byte {have}, was given {answer.headers['Content-Range']}")
        if answer.status != 416:  # 416: nothing lies beyond what we have
            _save(answer, part, "ab" if is_rest else "wb", stop)
    if (observed := _sha256(part)) != sha256:
        part.unlink()
        raise _Passing(f"sha256 was {observed}, its .CHECKSUM says {sha256}")


def _save(answer: http.client.HTTPResponse, part: Path, mode: str, stop: Event) -> None:
    received = 0
    with part.open(mode) as sink:
        while data := answer.read1(CHUNK_BYTES):
            sink.write(data)
            received += len(data)
            if stop.is_set():
                raise _Passing("stopped")
    announced = answer.headers["Content-Length"]
    if announced is not None and received != int(announced):
        raise _Passing(f"the body ended after {received} of {announced} bytes")


@contextmanager
def _open(url: str, patience: Patience, first_byte: int = 0) -> Iterator[http.client.HTTPResponse]:
    headers = {"User-Agent": "quantmind-catalog"}
    if first_byte:
        headers["Range"] = f"bytes={first_byte}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the command checked the scheme
    try:
        answer = urllib.request.urlopen(request, timeout=patience.timeout_secs)  # noqa: S310 - as above
    except urllib.error.HTTPError as e:
        answer = e
    with answer:
        if answer.status == 404:
            raise _Missing
        if answer.status >= 500 or answer.status in PASSING_STATUS:
            raise _Passing(f"status {answer.status}")
        if answer.status not in (200, 206, 416):
            raise _Refused(f"status {answer.status}")
        yield answer


def _starts_at(answer: http.client.HTTPResponse, first_byte: int) -> bool:
    return answer.headers.get("Content-Range", "").startswith(f"bytes {first_byte}-")


def _size(part: Path | None) -> int:
    return part.stat().st_size if part is not None and part.is_file() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
