"""systemd's notify protocol (sd_notify(3)): ready, alive, what goes on, ending."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping

PARTS = 2
"""A watchdog is fed twice in its time, as sd_watchdog_enabled(3) advises."""
US_PER_SEC = 1_000_000


class Notifier:
    """
    Tells the supervisor over the socket that it named; without one it does nothing.

    What cannot be told is not told: nobody stops because a supervisor does not listen.

    Parameters
    ----------
    environ : MutableMapping
        Where NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID stand; they are taken out, so that no
        child feeds the watchdog in our name.

    """

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        self._address = environ.pop("NOTIFY_SOCKET", "")
        micros = environ.pop("WATCHDOG_USEC", "")
        pid = environ.pop("WATCHDOG_PID", str(os.getpid()))
        is_ours = micros.isdecimal() and int(micros) > 0 and pid == str(os.getpid())
        self.feed_sec = int(micros) / US_PER_SEC / PARTS if is_ours else None
        """How often the watchdog must be fed, seconds; None when nobody waits for it."""
        self._fed_at = float("-inf")

    def ready(self) -> None:
        """Say that it runs now (READY=1)."""
        self.send("READY=1")

    def status(self, text: str) -> None:
        """Say in one line what goes on (STATUS=)."""
        self.send(f"STATUS={' '.join(text.split())}")

    def stopping(self) -> None:
        """Say that it ends (STOPPING=1)."""
        self.send("STOPPING=1")

    def feed(self) -> None:
        """Say that it lives (WATCHDOG=1), if it is time; call it only when that has been proved."""
        if self.feed_sec is None or time.monotonic() - self._fed_at < self.feed_sec:
            return
        self._fed_at = time.monotonic()
        self.send("WATCHDOG=1")

    def send(self, text: str) -> None:
        """Send a datagram; ``@`` at the head of the address stands for an abstract socket."""
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)  # noqa: FBT003 - the standard library's own signature
                sender.connect(address)
                sender.send(text.encode())
        except OSError:
            return
