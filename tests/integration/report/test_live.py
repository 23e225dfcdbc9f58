"""The report of a node's run: from its recording and its journal, whoever ended it."""

import json
import shutil
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from report.__main__ import main
from report.artifacts import read_result
from report.live import LiveReportError, rebuild
from report.tables import read_rows
from tests.watched_kit import WatchedScene, trade

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """Return the folder of a run that ended, its result, a copy from before its end, and fills."""
    root = tmp_path_factory.mktemp("ended")
    scene = WatchedScene(root)
    trade(scene)
    copy = shutil.copytree(scene.run_dir, root / "copy")
    result = scene.report()
    orders = {
        order.client_order_id.value: order.filled_qty.as_decimal()
        for order in scene.kernel.cache.orders()
    }
    scene.close()
    return scene.run_dir, result, copy, orders


def test_the_report_has_what_the_node_did(ended):
    run_dir, result, _, orders = ended

    rows = read_rows(run_dir, "orders")

    assert {row["client_order_id"]: row["filled_qty"] for row in rows} == orders
    statistics = result["statistics"]
    assert (statistics["trades"], statistics["fills"]) == (1, 2)
    assert statistics["net_pnl_usdt"] < -50
    assert statistics["unexplained_usdt"] == pytest.approx(0, abs=1e-3)
    assert result["check"]["opening_fills"] == 1
    assert result["check"]["breaches"] == []


def test_the_guards_page_has_tallies_and_decisions(ended):
    _, result, *_ = ended
    guard = result["guard"]

    (control,) = [row for row in guard["controls"] if row["key"] == "order_qty"]
    assert (control["evaluated"], control["denied"], control["limit"]) == (3, 1, "0.15 / 3")
    assert [denial["reason"] for denial in guard["denials"]] == ["QUANTITY_EXCEEDS_MAX_PER_ORDER"]


def test_what_only_a_venue_has_is_told(ended):
    _, result, *_ = ended
    live = result["live"]

    assert (live["venue"], live["account_id"], live["is_ended"]) == ("BINANCE", "BINANCE-001", True)
    assert [(o["order_type"], o["status"]) for o in live["resting"]] == [("LIMIT", "ACCEPTED")]
    assert live["unanswered"] == []
    assert [event["event"] for event in live["events"]] == ["FEED_SILENT"]
    market, stop = live["slippage"]
    # Bought at 50,010.1 on a mid price of 50,010; the stop at 49,500 sold at 49,399.9.
    assert market["mean_bps"] == pytest.approx(0.1 / 50_010 * 10_000)
    assert stop["mean_bps"] == pytest.approx(100.1 / 49_500 * 10_000)


def test_the_page_says_what_kind_of_run_it_was(ended):
    run_dir, *_ = ended

    page = (run_dir / "report.html").read_text(encoding="utf-8")

    for text in (
        "The run ended in good order",
        "FEED_SILENT",
        "Orders left at the venue",
        "Slippage",
    ):
        assert text in page
    assert "no data window that could be run again" in page


def test_a_run_that_was_cut_off_is_reported_up_to_there(ended):
    _, whole, copy, _ = ended

    cut = rebuild(copy)

    assert not cut["live"]["is_ended"]
    assert cut["result_hash"] == whole["result_hash"]
    assert cut["guard"]["controls"] == whole["guard"]["controls"]
    assert "ended from outside" in (copy / "report.html").read_text(encoding="utf-8")


def test_the_command_writes_the_same_page_again(ended, capsys):
    run_dir, result, *_ = ended
    before = (run_dir / "report.html").read_text(encoding="utf-8")
    (run_dir / "report.html").unlink()

    code = main([str(run_dir)])

    assert code == 0
    assert (run_dir / "report.html").read_text(encoding="utf-8") == before
    assert read_result(run_dir) == result
    assert "caps kept" in capsys.readouterr().out


def test_a_folder_that_holds_no_run_is_answered_with_78(tmp_path, capsys):
    assert main([str(tmp_path)]) == 78
    assert "has neither recording.jsonl nor result.json" in capsys.readouterr().err


def test_a_journal_that_has_moved_can_be_named(ended, tmp_path):
    run_dir, result, *_ = ended
    moved = shutil.copytree(run_dir, tmp_path / "moved")
    journal = _journal_of(moved)
    shutil.copy(journal, tmp_path / "journal.jsonl")
    _point_journal_at(moved, tmp_path / "gone.jsonl")

    with pytest.raises(LiveReportError, match="name it with --journal"):
        rebuild(moved)

    again = rebuild(moved, journal=tmp_path / "journal.jsonl")
    assert again["guard"] == result["guard"]


def test_a_journal_that_was_torn_is_read_up_to_there(ended, tmp_path):
    run_dir, *_ = ended
    torn = shutil.copytree(run_dir, tmp_path / "torn")
    lines = _journal_of(torn).read_bytes().splitlines(keepends=True)
    denied = next(i for i, line in enumerate(lines) if b'"denied"' in line)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(lines[: denied + 1]) + b'{"seq":')

    result = rebuild(torn, journal=path)

    assert f"line {denied + 2}: is torn" in result["live"]["journal_torn"]
    assert len(result["guard"]["denials"]) == 1


def test_only_the_runs_own_decisions_are_reported(tmp_path):
    first = WatchedScene(tmp_path, run="first")
    first.submit(first.bracket(qty="0.3"))
    first.report()
    first.close()
    second = WatchedScene(tmp_path, run="second")
    second.submit(second.bracket(qty="0.4"))

    result = second.report()
    second.close()

    assert [denial["observed"] for denial in result["guard"]["denials"]] == ["0.4"]
    again = rebuild(tmp_path / "first")
    assert [denial["observed"] for denial in again["guard"]["denials"]] == ["0.3"]


def test_a_process_that_is_killed_leaves_a_run_that_can_be_reported(tmp_path):
    code = (
        "import os, signal, sys, pathlib\n"
        "from tests.watched_kit import WatchedScene, trade\n"
        "scene = WatchedScene(pathlib.Path(sys.argv[1]))\n"
        "trade(scene)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    result = rebuild(tmp_path / "run")

    assert done.returncode == -signal.SIGKILL
    assert not result["live"]["is_ended"]
    assert (result["statistics"]["trades"], result["statistics"]["fills"]) == (1, 2)
    assert len(result["guard"]["denials"]) == 1
    assert Decimal(result["balances"]["BINANCE-001.USDT"]) < 99_950


def _journal_of(run_dir: Path) -> Path:
    kind, header = json.loads((run_dir / "recording.jsonl").read_text().splitlines()[0])
    assert kind == "run"
    return Path(header["journal"])


def _point_journal_at(run_dir: Path, path: Path) -> None:
    recording = run_dir / "recording.jsonl"
    text = recording.read_text().replace(str(_journal_of(run_dir)), str(path))
    recording.write_text(text)
