"""One state folder serves one node at a time, for as long as its process lives."""

import fcntl
import os
import signal
import subprocess
import sys
import threading

import pytest

from risk.folder_lock import LockError, hold, is_held_by

HOLDER = """
import sys, time
from pathlib import Path
from risk.folder_lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_node_is_refused_and_told_who_holds_the_folder(tmp_path):
    process = holder(tmp_path / "state")

    wanted = rf"state/node\.lock: is held by process {process.pid}: one state folder serves one"
    with pytest.raises(LockError, match=wanted), hold(tmp_path / "state"):
        pytest.fail("two nodes on one folder")

    process.communicate("")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_node_that_died_holds_nothing(tmp_path, number):
    process = holder(tmp_path)
    process.send_signal(number)
    process.communicate()

    with hold(tmp_path):
        assert (tmp_path / "node.lock").read_text() == f"{os.getpid()}\n"


def test_a_folder_that_was_given_back_can_be_had_again(tmp_path):
    with hold(tmp_path):
        pass
    with hold(tmp_path):
        pass


def test_one_process_is_two_nodes_when_it_asks_twice(tmp_path):
    with (
        hold(tmp_path),
        pytest.raises(LockError, match=f"held by process {os.getpid()}"),
        hold(tmp_path),
    ):
        pytest.fail("two nodes on one folder")


def test_another_folder_is_another_matter(tmp_path):
    with hold(tmp_path / "one"), hold(tmp_path / "two"):
        pass


def test_a_folder_that_cannot_be_made_is_an_error_with_the_path(tmp_path):
    (tmp_path / "file").touch()

    with (
        pytest.raises(LockError, match=r"file/node\.lock: cannot be opened"),
        hold(tmp_path / "file"),
    ):
        pytest.fail("held nothing")


def test_who_holds_a_folder_can_be_asked_without_having_it(tmp_path):
    process = holder(tmp_path)

    assert is_held_by(tmp_path, process.pid) is True
    assert is_held_by(tmp_path, os.getpid()) is False

    process.kill()
    process.communicate()
    assert is_held_by(tmp_path, process.pid) is False


def test_a_lock_that_is_not_there_or_names_nobody_tells_nothing(tmp_path):
    assert is_held_by(tmp_path, os.getpid()) is None
    with hold(tmp_path):
        (tmp_path / "node.lock").write_text("")  # as on a disk that was full at its first start

        assert is_held_by(tmp_path, os.getpid()) is None


def test_a_lock_may_be_asked_by_who_may_only_read_it(tmp_path):
    process = holder(tmp_path)
    (tmp_path / "node.lock").chmod(0o444)

    assert is_held_by(tmp_path, process.pid) is True

    process.communicate("")


def test_who_asks_refuses_no_start(tmp_path):
    with hold(tmp_path):
        pass
    with (tmp_path / "node.lock").open() as looked:
        fcntl.flock(looked, fcntl.LOCK_SH)
        soon = threading.Timer(0.05, lambda: fcntl.flock(looked, fcntl.LOCK_UN))
        soon.start()

        with hold(tmp_path):
            assert is_held_by(tmp_path, os.getpid()) is True

        soon.join()
