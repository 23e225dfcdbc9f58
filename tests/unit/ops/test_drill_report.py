"""A drill's report tells what was done, expected and seen, and its verdict decides the exit code."""

import json

import pytest

from ops.drills.report import DrillFailed, DrillLog, DrillReport, Step

STEPS = (
    Step(1_767_225_600_007, 12, 0, "the node was sent SIGSTOP"),
    Step(1_767_225_601_500, 1_505, 1_400, "all is flat, within 5 s", "flat; 0 orders", True),
    Step(1_767_225_602_000, 2_005, 500, "`a | b` exits 0", "exit 70\nNOT DONE", False),
)


def report(verdict="failed", reason="`a | b` exits 0: exit 70"):
    return DrillReport(
        "hung-node", "the node hangs", verdict, reason, 1_767_225_600_000_000_000, 2_005, STEPS,
        "abc123", {"commit": "f00", "python": "3.12"},
    )  # fmt: skip


def test_the_page_has_each_step_with_its_moment_in_utc_and_since_the_start():
    lines = report().page().splitlines()

    assert lines[0] == "# Drill hung-node: FAILED"
    assert "- began 2026-01-01 00:00:00.000 UTC, took 2.0 s" in lines
    assert "- profile abc123" in lines
    assert "- commit f00" in lines
    assert lines[-3:] == [
        "| 2026-01-01 00:00:00.007 UTC | 12 | the node was sent SIGSTOP |  | done |",
        "| 2026-01-01 00:00:01.500 UTC | 1505 | all is flat, within 5 s | flat; 0 orders (1400 ms) "
        "| as expected |",
        "| 2026-01-01 00:00:02.000 UTC | 2005 | `a \\| b` exits 0 | exit 70<br>NOT DONE (500 ms) "
        "| **NOT AS EXPECTED** |",
    ]


def test_page_and_json_are_written_and_tell_the_same(tmp_path):
    told = report()

    told.write(tmp_path)

    row = json.loads((tmp_path / "report.json").read_text())
    assert (tmp_path / "report.md").read_text() == told.page()
    assert row["verdict"] == "failed"
    assert row["steps"][2] == {
        "ts_ms": 1_767_225_602_000, "at_ms": 2_005, "took_ms": 500, "text": "`a | b` exits 0",
        "seen": "exit 70\nNOT DONE", "is_as_expected": False,
    }  # fmt: skip


@pytest.mark.parametrize(("verdict", "code"), [("passed", 0), ("failed", 70), ("not run", 78)])
def test_the_verdict_decides_the_exit_code(verdict, code):
    assert report(verdict, "").exit_code == code


def test_what_is_not_as_expected_ends_the_drill_and_is_kept():
    lines = []
    log = DrillLog(lines.append)
    log.did("a fault")
    log.saw("flat", "flat", 0, is_ok=True)

    with pytest.raises(DrillFailed, match="no orders: 3 orders"):
        log.saw("no orders", "3 orders", log.at_ms, is_ok=False)

    assert [step.is_as_expected for step in log.steps] == [None, True, False]
    assert "FAIL  no orders" in lines[-1]
    assert "3 orders" in lines[-1]


def test_what_was_seen_is_kept_to_its_end_when_it_is_long():
    log = DrillLog(lambda _: None)

    log.saw("a lot", "x" * 5_000 + "the end", 0, is_ok=True)

    assert log.steps[0].seen.startswith("...")
    assert log.steps[0].seen.endswith("the end")
    assert len(log.steps[0].seen) < 1_600
