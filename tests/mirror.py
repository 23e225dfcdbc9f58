"""A mirror of data.binance.vision on 127.0.0.1 that fails on command."""

import contextlib
import hashlib
import http.server
import re
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong with one answer."""

    TRUNCATED = "truncated"  # half of the body, then the connection is closed
    STALL = "stall"  # half of the body, then silence until the mirror is released
    CORRUPT = "corrupt"  # a body of the right length with other bytes
    BUSY = "busy"  # 503
    FORBIDDEN = "forbidden"  # 403
    WRONG_RANGE = "wrong range"  # 206 with other bytes than were asked for


class Mirror:
    """Serves ``files`` (path to body) with their checksums; ``requests`` are what it was asked."""

    def __init__(self, *, has_ranges: bool = True) -> None:
        self.files: dict[str, bytes] = {}
        self.checksums: dict[str, str] = {}
        self.faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self.requests: list[tuple[str, str | None]] = []
        self.has_ranges = has_ranges
        self.released = threading.Event()
        self.stalled = threading.Event()
        self.base_url = ""

    def add(self, path: str, body: bytes) -> None:
        self.files[path] = body
        name = path.rsplit("/", 1)[-1]
        self.checksums[f"{path}.CHECKSUM"] = f"{hashlib.sha256(body).hexdigest()}  {name}\n"

    def asked(self, path: str) -> list[str | None]:
        """Return the Range header of each request for a path."""
        return [header for asked, header in self.requests if asked == path]


@contextmanager
def running(mirror: Mirror) -> Iterator[Mirror]:
    handler = type("Handler", (_Handler,), {"mirror": mirror})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = False
        mirror.base_url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield mirror
        finally:
            mirror.released.set()
            server.shutdown()
            thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    mirror: Mirror

    def do_GET(self) -> None:
        path, mirror = self.path.lstrip("/"), self.mirror
        mirror.requests.append((path, self.headers["Range"]))
        fault = mirror.faults[path].popleft() if mirror.faults[path] else None
        body = mirror.files.get(path)
        if path in mirror.checksums:
            body = mirror.checksums[path].encode()
        if body is None:
            self.send_error(404)
        elif fault in (Fault.BUSY, Fault.FORBIDDEN):
            self.send_error(503 if fault is Fault.BUSY else 403)
        else:
            with contextlib.suppress(ConnectionError):  # the client gave up, or was killed
                self._answer(body, fault)

    def _answer(self, body: bytes, fault: Fault | None) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        first = int(asked[1]) if asked and self.mirror.has_ranges else 0
        if first and first >= len(body):
            self.send_error(416)
            return
        rest = body[first:]
        stated = first + 1 if fault is Fault.WRONG_RANGE else first
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {stated}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        match fault:
            case Fault.TRUNCATED:
                self.wfile.write(rest[: len(rest) // 2])
            case Fault.STALL:
                self.wfile.write(rest[: len(rest) // 2])
                self.wfile.flush()
                self.mirror.stalled.set()
                self.mirror.released.wait()
            case Fault.CORRUPT:
                self.wfile.write(bytes(byte ^ 1 for byte in rest))
            case _:
                self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        pass
