"""`ops drill`: what it lists, what it refuses, and what it says when a drill cannot be run."""

import json

import pytest

from ops.__main__ import main
from ops.commands import drill as command
from ops.drills.catalogue import DRILLS
from ops.drills.report import DrillReport
from ops.drills.run import PROFILE

NAMES = (
    "kill", "kill-direct", "vanished-stop", "dead-feed", "hung-node", "killed-process",
    "unauthorized-trading", "revoked-key", "flash-crash", "venue-outage", "lost-redis",
)  # fmt: skip


def test_every_drill_is_listed_with_what_it_does(capsys):
    assert main(["drill", "--list"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(NAMES) == list(DRILLS)
    assert all(len(line.split()) > 5 for line in lines)


def test_a_name_that_is_no_drill_is_refused_with_those_that_are(capsys, tmp_path):
    assert main(["drill", "earthquake", "--out", str(tmp_path)]) == 78

    out = capsys.readouterr().out
    assert "NAME = 'earthquake': no such drill" in out
    assert all(name in out for name in NAMES)
    assert list(tmp_path.iterdir()) == []


def test_a_profile_that_trades_elsewhere_is_refused(capsys, tmp_path):
    own = PROFILE.with_name("demo.toml")

    code = main(["drill", "kill", "--profile", str(own), "--out", str(tmp_path / "drills")])

    assert code == 78
    assert "mode must be 'rehearsal'" in capsys.readouterr().out
    assert not (tmp_path / "drills").exists()


def test_a_drill_without_what_it_needs_is_not_run_and_says_why(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    code = main(["drill", "lost-redis", "--json", "--out", str(tmp_path / "drills")])

    report = json.loads(capsys.readouterr().out)
    assert (code, report["verdict"]) == (78, "not run")
    assert "redis-server" in report["reason"]
    assert "NOT RUN" in next((tmp_path / "drills").glob("*/report.md")).read_text()


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (("passed", "passed"), 0),
        (("passed", "not run"), 78),
        (("not run", "failed", "passed"), 70),
    ],
)
def test_the_worst_verdict_of_all_is_the_exit_code(verdicts, code):
    reports = [DrillReport("kill", "", v, "", 0, 0, (), "", {}) for v in verdicts]

    assert command._code(reports) == code
