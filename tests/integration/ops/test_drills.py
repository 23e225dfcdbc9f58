"""Drills pass where all is in order, fail where a control is off, and leave their report either way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.__main__ import main
from ops.drills import pages, runbook
from ops.drills.run import PROFILE
from ops.drills.runbook import ROOT
from ops.node_files import is_running


def drill(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, dict[str, Any]]:
    """Run a drill as a person does; return the exit code and its report."""
    code = main(["drill", "--json", *map(str, arguments)])
    return code, json.loads(capsys.readouterr().out)


def profile(folder: Path, before: str, after: str) -> Path:
    """Write the drill's profile with one thing changed."""
    text = PROFILE.read_text()
    assert before in text
    path = folder / "own.toml"
    path.write_text(text.replace(before, after))
    return path


def seen(report: dict[str, Any], text: str) -> list[bool | None]:
    return [step["is_as_expected"] for step in report["steps"] if text in step["text"]]


def test_stops_that_vanish_are_mended_and_the_report_says_so(tmp_path, capsys):
    code, report = drill(capsys, "vanished-stop", "--out", tmp_path)

    (folder,) = tmp_path.iterdir()
    assert (code, report["verdict"]) == (0, "passed"), report
    assert seen(report, "BTCUSDT has a new full stop") == [True]
    assert json.loads((folder / "report.json").read_text()) == report
    page = (folder / "report.md").read_text()
    assert page.startswith("# Drill vanished-stop: PASSED")
    assert report["profile_hash"] in page
    assert report["code"]["commit"] in page


def test_a_drill_fails_where_the_watchdog_only_halts(tmp_path, capsys):
    own = profile(
        tmp_path,
        'grace_sec = 3\nlevel = "FLATTEN"', 'grace_sec = 1\nlevel = "HALT"',
    )  # fmt: skip

    code, report = drill(capsys, "hung-node", "--out", tmp_path / "drills", "--profile", own)

    assert (code, report["verdict"]) == (70, "failed"), report
    assert seen(report, "raises the alarm") == [True]
    assert seen(report, "all is flat") == [False]
    assert "NOT AS EXPECTED" in next((tmp_path / "drills").glob("*/report.md")).read_text()


def test_a_runbook_that_says_what_is_not_so_fails_its_drill(tmp_path, capsys, monkeypatch):
    text = (runbook.FOLDER / "flash-crash.md").read_text()
    rotten = text.replace("# prints: PRICE_SHOCK", "# prints: EVERYTHING IS FINE")
    assert rotten != text
    (tmp_path / "flash-crash.md").write_text(rotten)
    monkeypatch.setattr(pages, "FOLDER", tmp_path)

    code, report = drill(capsys, "flash-crash", "--out", tmp_path / "drills")

    assert (code, report["verdict"]) == (70, "failed"), report
    assert seen(report, "trading is tripped") == [True]
    assert "EVERYTHING IS FINE" in report["reason"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_drill_that_is_interrupted_leaves_no_process_behind(tmp_path, number):
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", "drill", "killed-process", "--out", str(tmp_path)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        lines = iter(process.stdout.readline, "")
        started = next(line for line in lines if "a node was started, process" in line)
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()

    assert process.returncode == 130
    assert "interrupted: no verdict" in out
    assert not is_running(int(started.rpartition(" ")[2]))
