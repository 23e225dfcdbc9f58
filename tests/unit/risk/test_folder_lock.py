"""One state folder serves one node at a time, for as long as its process lives."""

import os
import signal
import subprocess
import sys

import pytest

from risk.folder_lock import LockError, hold

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
