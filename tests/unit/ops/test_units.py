"""The unit files say what the exit codes mean."""

import configparser
from pathlib import Path

import pytest

from configs.cli import BAD_CONFIGURATION, BROKEN_INVARIANT, NOT_WRITTEN, TEMPORARY
from ops.__main__ import commands
from ops.kill_signals import KILL_SIGNALS

ROOT = Path(__file__).resolve().parents[3]


def unit(name):
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str
    parser.read(ROOT / "deploy" / f"quantmind-{name}@.service")
    return parser["Service"]


def codes(text):
    return {int(word) for word in text.split()}


def test_a_node_starts_again_when_the_venue_was_away_and_waits_for_a_person_otherwise():
    node = unit("node")

    assert codes(node["RestartForceExitStatus"]) == {TEMPORARY}
    *numbers, halt, flatten = node["RestartPreventExitStatus"].split()
    assert codes(" ".join(numbers)) == {BROKEN_INVARIANT, NOT_WRITTEN, BAD_CONFIGURATION}
    # Also a pull that comes before Python can hear it.
    assert {halt, flatten} == {number.name for number in KILL_SIGNALS}
    assert node["Restart"] == "on-abnormal"


def test_a_watchdog_starts_again_unless_it_cannot_run():
    watchdog = unit("watchdog")

    assert watchdog["Restart"] == "always"
    assert codes(watchdog["RestartPreventExitStatus"]) == {BAD_CONFIGURATION}


@pytest.mark.parametrize("name", ["node", "watchdog"])
def test_a_unit_waits_for_ready_and_is_fed(name):
    service = unit(name)

    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 10


def test_the_commands_are_there():
    _, script, *_ = unit("node")["ExecStart"].split()
    words = unit("watchdog")["ExecStart"].split()

    assert (ROOT / script).is_file()
    assert words[1:3] == ["-m", "ops"]
    assert words[3] in commands()
