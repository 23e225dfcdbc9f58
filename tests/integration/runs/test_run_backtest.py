"""The command that a person types: what it prints, writes and answers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from report.checker import check_run
from report.tables import read_rows
from risk import rulebook
from risk.journal import verify
from configs.cli import BAD_CONFIGURATION
from run_backtest import BROKEN_INVARIANT, OK, main

ROOT = Path(__file__).resolve().parents[3]
PROFILE = ROOT / "configs/profiles/backtest.toml"
# The two days around the flash crash, with some hours of quotes.
WINDOW = ["--start", "2026-01-13", "--end", "2026-01-15"]


@pytest.fixture
def command(demo_catalog, tmp_path):
    return [
        "--profile", str(PROFILE), "--catalog", str(demo_catalog), "--out", str(tmp_path), *WINDOW,
    ]  # fmt: skip


def edited(tmp_path, old, new):
    """Return a copy of the demo profile with one piece of text replaced."""
    text = PROFILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "edited.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_json_puts_one_object_on_stdout_and_the_artifacts_in_a_folder(command, tmp_path, capfd):
    code = main([*command, "--json"])

    result = json.loads(capfd.readouterr().out)
    run_dir = tmp_path / result["run_id"]
    assert code == OK
    assert {path.name for path in run_dir.iterdir()} >= {
        "report.html", "result.json", "orders.parquet", "fills.parquet", "positions.parquet",
        "denials.parquet", "journal.jsonl",
    }  # fmt: skip
    assert len(read_rows(run_dir, "fills")) > 0
    records, last_hash = verify(run_dir / "journal.jsonl")
    assert result["guard"]["journal"] == {"records": records, "last_hash": last_hash}


def test_the_journal_begins_with_the_resolved_profile_and_its_hash(command, tmp_path, capfd):
    main([*command, "--json"])

    result = json.loads(capfd.readouterr().out)
    lines = (tmp_path / result["run_id"] / "journal.jsonl").read_text().splitlines()
    first = json.loads(lines[0])
    assert first["type"] == "profile"
    assert first["data"]["hash"] == result["profile_hash"]
    assert first["data"]["profile"]["limits"]["orders"]["stop_distance_bps_max"] == "500"


def test_the_flash_crash_trips_reducing_and_a_simulated_operator_resumes(command, capfd):
    main([*command, "--json"])

    states = json.loads(capfd.readouterr().out)["guard"]["states"]
    assert [s["state"] for s in states] == ["REDUCING", "ACTIVE"]
    assert states[0]["cause"].startswith("PRICE_SHOCK: observed=")
    assert states[1]["by"] == "simulated operator"
    assert states[1]["ts"] - states[0]["ts"] == 240 * 60 * 1_000_000_000


def test_the_same_profile_catalog_and_seed_give_the_same_result_hash(command, capfd):
    hashes = []
    for _ in range(2):
        main([*command, "--json"])
        result = json.loads(capfd.readouterr().out)
        hashes.append((result["result_hash"], result["guard"]["journal"]["last_hash"]))

    assert hashes[0] == hashes[1]


def test_another_seed_gives_another_result_hash(command, tmp_path, capfd):
    main([*command, "--json"])
    first = json.loads(capfd.readouterr().out)["result_hash"]

    command[1] = str(edited(tmp_path, "seed = 7", "seed = 8"))
    main([*command, "--json"])

    assert json.loads(capfd.readouterr().out)["result_hash"] != first


def test_unguarded_runs_both_and_compares(command, tmp_path, capfd):
    code = main([*command, "--unguarded", "--json"])

    result = json.loads(capfd.readouterr().out)
    other = json.loads((tmp_path / result["run_id"] / "unguarded" / "result.json").read_text())
    assert code == OK
    assert (result["guarded"], other["guarded"]) == (True, False)
    assert other["guard"] is None
    assert len(check_run(tmp_path / result["run_id"] / "unguarded", limits()).breaches) > 0


def limits():
    from configs.profile import load_profile

    return load_profile(PROFILE).limits


def test_a_gate_that_lets_too_much_through_ends_in_exit_code_70(command, monkeypatch, capfd):
    """With the rules for exposure taken out, the checker finds it in the fills."""
    exposure = ("position", "gross", "net")
    without = tuple(rule for rule in rulebook.ENTRY_RULES if rule.key not in exposure)
    monkeypatch.setattr(rulebook, "ENTRY_RULES", without)

    code = main(command)

    assert code == BROKEN_INVARIANT
    assert "BROKEN INVARIANT" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("leverage_max = 1", "leverage_max = -1", "limits.portfolio.leverage_max = -1"),
        ("spread_bps_max = 20\n", "", "limits.market_data.spread_bps_max: is missing"),
        ('mode = "backtest"', 'mode = "live"', "data must not be set: mode = 'live'"),
        ("strategies.ema_cross:EmaCross", "strategies.ema_cross:Nope", "strategies.0.path"),
        ("strategies.ema_cross:EmaCross", "pathlib:Path", "strategies.0.path"),
        ("starting_balance_usdt = 100_000", 'starting_balance_usdt = "many"', "must be a number"),
        ('types = ["bars", ', 'types = [', "needs the bars BTCUSDT-PERP.BINANCE-1-MINUTE"),
        (
            'params]\ninstrument_id = "ETHUSDT',
            'params]\ninstrument_id = "XRPUSDT',
            'has no limits; add [limits.symbols."XRPUSDT-PERP.BINANCE"]',
        ),
        (
            'params]\ninstrument_id = "ETHUSDT',
            'params]\ninstrument_id = "BTCUSDT',
            "is traded by strategies.0 already",
        ),
        ("trade_risk_usdt = 100", "trade_risk_usd = 100", "strategies.2.params"),
        ("BTCUSDT-PERP.BINANCE\"]\nsides", "DOGEUSDT-PERP.BINANCE\"]\nsides", "DOGEUSDT-PERP"),
    ],
)  # fmt: skip
def test_a_bad_profile_ends_in_exit_code_78_and_names_the_key(
    command, tmp_path, capfd, old, new, said
):
    command[1] = str(edited(tmp_path, old, new))

    code = main(command)

    assert code == BAD_CONFIGURATION
    assert said in capfd.readouterr().err
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_bad_day_is_named_and_refused_unless_the_profile_waives_it(command, tmp_path, capfd):
    text = PROFILE.read_text(encoding="utf-8")
    unwaived = tmp_path / "unwaived.toml"
    start = text.index("[[data.waived_days]]")
    unwaived.write_text(text[:start] + text[text.index("[account]") :], encoding="utf-8")
    command[1] = str(unwaived)
    command[-3:] = ["2026-01-20", "--end", "2026-01-23"]

    code = main(command)

    assert code == BAD_CONFIGURATION
    assert "BTCUSDT-PERP.BINANCE 2026-01-21" in capfd.readouterr().err


def test_a_window_that_ends_before_it_begins_is_refused(command, capfd):
    command[-3:] = ["2026-01-15", "--end", "2026-01-13"]

    assert main(command) == BAD_CONFIGURATION
    assert "must be before end" in capfd.readouterr().err


def test_an_out_folder_that_cannot_be_written_is_bad_configuration(command, tmp_path, capfd):
    file = tmp_path / "file"
    file.touch()
    command[5] = str(file / "runs")

    assert main(command) == BAD_CONFIGURATION
    assert "--out" in capfd.readouterr().err


@pytest.mark.parametrize("bad", [["--start", "yesterday"], ["--bogus"]])
def test_bad_usage_ends_in_exit_code_78(bad):
    with pytest.raises(SystemExit) as ended:
        main(bad)

    assert ended.value.code == BAD_CONFIGURATION


def test_every_strategy_of_the_demo_trades_and_the_gate_denies(demo_catalog, tmp_path, capfd):
    main(["--catalog", str(demo_catalog), "--out", str(tmp_path), "--json"])

    result = json.loads(capfd.readouterr().out)
    run_dir = tmp_path / result["run_id"]
    traded = {fill["strategy_id"] for fill in read_rows(run_dir, "fills")}
    reasons = {denial["reason"] for denial in read_rows(run_dir, "denials")}
    assert len(traded) == 3
    assert reasons >= {"GROSS_EXPOSURE_EXCEEDS_MAX", "TRADING_REDUCING"}


def test_help_teaches_the_exit_codes():
    shown = subprocess.run(
        [sys.executable, "run_backtest.py", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "exit codes" in shown.stdout
    assert "78" in shown.stdout
