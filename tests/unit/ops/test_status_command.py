"""`python -m ops status`: one screen, its JSON, and the exit code."""

import json

from ops.__main__ import main
from risk.kills import ACCOUNT, Kill, KillLevel
from tests.node_folder import enliven, folder_of
from tests.ops_kit import naked

HALT = Kill(KillLevel.HALT, ACCOUNT, "ann", "news", "file", 5)


def status(folder, *options):
    return main(["status", "--state", str(folder.path), *options])


def words(capsys):
    return " ".join(capsys.readouterr().out.split())


def test_a_node_that_is_well_is_shown_with_what_it_has(tmp_path, capsys):
    folder = folder_of(tmp_path)
    enliven(folder)

    assert status(folder) == 0

    told = words(capsys)
    for part in (
        "TESTER-001", "state ACTIVE", "heartbeat", "BTCUSDT +0.1 at 93500.1",
        "stop 92150.5 151 bps away for 1m; covered", "gross 9,356 of 15,000",
        "daily loss 1.00% of 3.00%", "weight 240/2400", "user stream up",
    ):  # fmt: skip
        assert part in told, part
    assert "NO LIVING NODE" not in told


def test_a_node_that_is_tripped_shows_why_and_what_is_open(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT)
    enliven(folder, state="HALTED", open_causes=("DAILY_LOSS: observed=2, limit=1",))

    assert status(folder) == 70

    told = words(capsys)
    assert "state HALTED" in told
    assert HALT.cause in told
    assert "killed HALT of account by ann: news; not taken by the node" in told
    assert "open DAILY_LOSS: observed=2, limit=1" in told


def test_a_node_that_is_dead_is_said_so_first(tmp_path, capsys):
    folder = folder_of(tmp_path)

    assert status(folder) == 75

    assert capsys.readouterr().out.startswith("NO LIVING NODE: the node (pid")


def test_a_node_that_is_silent_is_no_living_node(tmp_path, capsys):
    folder = folder_of(tmp_path)
    enliven(folder, age_ms=10_000)

    assert status(folder) == 75
    assert "is silent for" in words(capsys)


def test_a_position_without_its_stop_stands_out(tmp_path, capsys):
    folder = folder_of(tmp_path)
    enliven(folder, positions=(naked(),))

    status(folder)

    assert "NAKED for 3.2s" in words(capsys)


def test_json_has_everything_and_the_exit_code(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT)
    enliven(folder)

    assert status(folder, "--json") == 70

    table = json.loads(capsys.readouterr().out)
    assert table["exit_code"] == 70
    assert table["latch"]["kills"][0]["reason"] == "news"
    assert table["status"]["positions"][0]["signed_qty"] == "0.100"


def test_torn_files_are_no_crash(tmp_path, capsys):
    folder = folder_of(tmp_path)
    enliven(folder)
    folder.status.write_text('{"ts_ns": ')
    folder.latch.write_text("{")

    assert status(folder) == 70

    told = words(capsys)
    assert "no status that could be shown" in told
    assert "LATCH_UNREADABLE" in told


def test_a_folder_that_is_not_there_is_bad_usage(tmp_path):
    assert main(["status", "--state", str(tmp_path / "none")]) == 78
