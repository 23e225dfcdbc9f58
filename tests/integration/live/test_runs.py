"""Whole runs of a node, as a user makes them, against a venue on this machine."""

import json
import os
import re
import signal
from decimal import Decimal
from pathlib import Path

import pytest

from tests.live_kit import LiveRun, finish, orders_sent, quick_profile, run_live, start, stop_when
from venue.checkers.__main__ import main as check_wire

SECS = 15


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> LiveRun:
    folder = tmp_path_factory.mktemp("rehearsal")
    return run_live(folder, "--profile", quick_profile("rehearsal", folder), "--duration", SECS)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> LiveRun:
    folder = tmp_path_factory.mktemp("paper")
    return run_live(folder, "--profile", quick_profile("paper", folder), "--duration", SECS)


@pytest.fixture(params=["rehearsal", "paper"])
def run(request: pytest.FixtureRequest) -> LiveRun:
    return request.getfixturevalue(request.param)


def keys_of(run: LiveRun) -> tuple[str, str]:
    lines = (run.run_dir / "main.env").read_text().splitlines()
    key, secret = (line.split("=", 1)[1] for line in lines)
    return key, secret


def test_a_run_without_any_key_trades_and_ends_flat(run: LiveRun) -> None:
    assert (run.code, run.stderr) == (0, "")
    assert run.result["statistics"]["fills"] >= 2
    assert run.final_state["positions"] == {}
    assert run.final_state["open_orders"] == []
    assert run.final_state["trading_state"] == "ACTIVE"


def test_a_run_ends_with_the_report_of_a_backtest(run: LiveRun) -> None:
    assert run.result["check"]["breaches"] == []
    assert run.result["guarded"] is True
    assert f"report{run.run_dir / 'report.html'}" in "".join(run.stdout.split())  # however wrapped
    assert "<h2" in (run.run_dir / "report.html").read_text()


def test_paper_sends_no_order_to_the_venue(paper: LiveRun) -> None:
    assert orders_sent(paper.run_dir / "wire.jsonl") == []


def test_the_wire_log_of_a_rehearsal_satisfies_every_checker(rehearsal: LiveRun) -> None:
    folder = rehearsal.run_dir
    profile = folder.parents[1] / "rehearsal.toml"

    code = check_wire(
        [
            str(folder / "wire.jsonl"),
            "--journal", str(folder / "journal.jsonl"),
            "--node-state", str(folder / "final_state.json"),
            "--limits", str(profile),
        ]
    )  # fmt: skip

    assert code == 0


def test_the_final_state_is_that_of_the_venue(rehearsal: LiveRun) -> None:
    truth = list(rehearsal.wire("truth"))[-1]["body"]
    wallet = Decimal(str(truth["wallets"]["USDT"]))

    assert Decimal(rehearsal.final_state["balance_usdt"]) == wallet
    assert Decimal(rehearsal.final_state["commissions"]["USDT"]) > 0


def test_paper_pays_the_fees_of_the_profile(paper: LiveRun) -> None:
    fills = [
        record["data"]
        for record in map(json.loads, (paper.run_dir / "journal.jsonl").read_text().splitlines())
        if record["type"] == "fill"
    ]

    assert fills
    for fill in fills:
        notional = Decimal(fill["quantity"]) * Decimal(fill["price"])
        rate = Decimal(fill["fee_usdt"]) / notional
        assert min(abs(rate - Decimal(bps) / 10_000) for bps in (2, 5)) < Decimal("1e-7")


def test_no_output_of_a_run_holds_a_key_or_a_signature(run: LiveRun) -> None:
    key, secret = keys_of(run)
    outputs = {"stdout": run.stdout, "stderr": run.stderr}
    for path in run.run_dir.rglob("*"):
        if path.is_file() and path.name != "main.env":
            outputs[path.name] = path.read_bytes().decode("utf-8", "replace")
    assert {"journal.jsonl", "wire.jsonl", "report.html", "result.json", "final_state.json"} <= set(
        outputs
    )
    assert any(name.startswith("node") and name.endswith(".log") for name in outputs)

    for name, text in outputs.items():
        assert key not in text, name
        assert secret not in text, name
        assert not re.search(r"signature=[0-9a-f]{8}", text), name
        assert not re.search(r'"signature": ?"[0-9a-f]{8}', text), name


def is_in_a_trade(folder: Path) -> bool:
    logs = (folder / "runs").glob("*/wire.jsonl")
    return any(row["path"].endswith("algoOrder") for log in logs for row in orders_sent(log))


def test_a_signal_in_a_trade_ends_the_run_in_order(tmp_path: Path) -> None:
    process = start(tmp_path, "--profile", quick_profile("rehearsal", tmp_path))
    stop_when(process, lambda: is_in_a_trade(tmp_path), signal.SIGTERM)
    run = finish(process, tmp_path)

    assert (run.code, run.stderr) == (0, "")
    truth = list(run.wire("truth"))[-1]["body"]
    assert (truth["positions"], truth["open_orders"], truth["open_algos"]) == ([], [], [])
    assert run.final_state["positions"] == {}
    assert (run.run_dir / "report.html").is_file()


def test_a_second_signal_ends_a_run_whose_venue_is_silent_at_once(tmp_path: Path) -> None:
    # It stays in the trade: the end in order then has to wait for the silent venue.
    profile = quick_profile("rehearsal", tmp_path, ("holding_secs = 3", "holding_secs = 600"))
    process = start(tmp_path, "--profile", profile)
    stop_when(process, lambda: is_in_a_trade(tmp_path), 0)
    (venue,) = children(process.pid)
    os.kill(venue, signal.SIGSTOP)
    log = next((tmp_path / "runs").glob("*/node*.log"))
    stop_when(process, lambda: True, signal.SIGINT)
    stop_when(process, lambda: "EmaCross: STOPPED" in log.read_text(), signal.SIGINT)
    run = finish(process, tmp_path)

    assert run.code == 130
    assert run.stderr.endswith("interrupted: look at the venue for what is open\n")
    assert not (run.run_dir / "result.json").exists()
    assert children(process.pid) == []


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []
