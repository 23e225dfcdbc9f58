"""``python -m venue`` as a process: what it tells, how it ends, and what it refuses."""

import asyncio
import json
import socket
import stat
import subprocess
import sys

import pytest

from tests.venue_kit import ROOT, RestClient, venue_process
from venue.__main__ import main

STILL = ("--market", "still", "--symbols", "BTCUSDT", "--seed", "7")


def refused(capsys, monkeypatch, *arguments: str) -> tuple[int, str]:
    """Run the command in this process, which saves the time that one takes to start."""
    monkeypatch.setattr(sys, "argv", ["venue", *arguments])
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    told = capsys.readouterr()
    assert told.out == ""
    return code, told.err


def test_a_process_announces_itself_trades_and_ends_on_sigterm(tmp_path):
    async def scene():
        log = tmp_path / "wire.jsonl"
        arguments = (*STILL, "--wire-log", str(log), "--account", "a:usdt=500", "--account", "b")
        async with venue_process(*arguments, keys_dir=tmp_path / "keys") as venue:
            assert set(venue.keys) == {"a", "b"}
            rest = RestClient(venue.rest_url, *venue.keys["a"])
            wallet = (await rest.ok("GET", "/fapi/v3/account"))["totalWalletBalance"]
            await rest.close()
        return float(wallet), venue.process.returncode, log.read_text().splitlines()

    wallet, code, lines = asyncio.run(scene())

    assert wallet == 500
    assert code == 0
    ends = [json.loads(line) for line in (lines[-1], lines[-2])]
    assert [(line["kind"], line["account"]) for line in ends] == [("truth", "b"), ("truth", "a")]
    for path in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_says_how_to_point_a_client_at_it_and_ends_when_its_parent_is_gone(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "venue", *STILL, "--exit-with-parent", "--keys-dir", str(tmp_path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    told, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    for word in ("REST", "WebSocket", "control", "NautilusTrader", "ccxt", "base_path", "main.env"):
        assert word in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--market", "moon"), "market='moon': not one of generated, still"),
        (("--market", "recording:/nowhere/x.gz"), "/nowhere/x.gz"),
        (("--market", "catalog:/nowhere"), "/nowhere"),
        (("--market", "still", "--symbols", "NOPEUSDT"), "NOPEUSDT"),
        (("--speed", "0"), "'0' is neither step nor above 0"),
        (("--port", "-1"), "--port"),
        (("--start", "yesterday"), "'yesterday' is no ISO date"),
        (("--account", "a:usdt=much"), "usdt='much' is not a number"),
        (("--account", "a:usdt=-1"), "USDT=-1 is not 0 or above"),
        (("--account", "a:leverage=126"), "leverage=126 is not in 1..125"),
        (("--account", "a:mood=good"), "'mood=good' is none of"),
        (("--account", "a", "--account", "a"), "no name twice"),
        (("--account", "../a"), "account name '../a'"),
        (("--scenario", "/nowhere.toml"), "/nowhere.toml"),
        (("--wire-log", "/nowhere/log"), "/nowhere/log"),
        (("--color", "red"), "--color"),
    ],
)
def test_bad_arguments_get_one_sentence_and_exit_code_78(arguments, told, capsys, monkeypatch):
    code, text = refused(capsys, monkeypatch, *arguments)

    assert code == 78
    assert told in text
    assert text.count("\n") == 1


def test_a_port_that_is_taken_is_said_so(capsys, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, text = refused(capsys, monkeypatch, *STILL, "--port", str(taken.getsockname()[1]))

    assert code == 78
    assert "in use" in text


def test_a_standard_input_that_cannot_close_is_said_so(capsys, monkeypatch, tmp_path):
    path = tmp_path / "input"
    path.touch()
    with path.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        code, text = refused(capsys, monkeypatch, *STILL, "--exit-with-parent")

    assert code == 78
    assert "--exit-with-parent" in text
