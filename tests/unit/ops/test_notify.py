"""What a supervisor hears by systemd's protocol."""

import os
import socket
from contextlib import contextmanager

import pytest

from ops.notify import Notifier


@contextmanager
def supervisor(address: str):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.settimeout(5)
        yield heard


@pytest.mark.parametrize("is_abstract", [False, True])
def test_a_supervisor_hears_ready_status_and_stopping(tmp_path, is_abstract):
    name = f"quantmind-{os.getpid()}-{tmp_path.name}"
    path = str(tmp_path / "notify")
    bound, told = (f"\0{name}", f"@{name}") if is_abstract else (path, path)
    with supervisor(bound) as heard:
        notifier = Notifier({"NOTIFY_SOCKET": told})

        notifier.ready()
        notifier.status("two\nlines")
        notifier.stopping()

        said = [heard.recv(100).decode() for _ in range(3)]
        assert said == ["READY=1", "STATUS=two lines", "STOPPING=1"]


def test_a_watchdog_is_fed_at_half_of_its_time_and_no_sooner(tmp_path):
    path = str(tmp_path / "notify")
    with supervisor(path) as heard:
        notifier = Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "600000000"})

        notifier.feed()
        notifier.feed()
        notifier.status("end")

        assert notifier.feed_sec == 300
        assert [heard.recv(100).decode() for _ in range(2)] == ["WATCHDOG=1", "STATUS=end"]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "x"},
        {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"},
    ],
)
def test_nobody_is_fed_who_does_not_wait_for_us(environ):
    notifier = Notifier(environ)

    notifier.feed()

    assert notifier.feed_sec is None


def test_a_supervisor_that_is_gone_hinders_nothing(tmp_path):
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "none")}).ready()


def test_a_child_inherits_no_way_to_feed_the_watchdog():
    environ = {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "2", "HOME": "/"}

    Notifier(environ)

    assert environ == {"HOME": "/"}
