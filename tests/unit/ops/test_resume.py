"""`python -m ops resume`: what it refuses, what it takes back, and what it says before."""

import json

import pytest

from ops.__main__ import main
from risk.folder_lock import hold
from risk.kills import ACCOUNT, Kill, KillLevel, Scope
from risk.latch import Latch
from risk.trading_state import TradingState
from tests.node_folder import BTC, enliven, folder_of

HALT = Kill(KillLevel.HALT, ACCOUNT, "ann", "news", "file", 5)
FLATTEN = HALT._replace(level=KillLevel.FLATTEN)
ON_BTC = HALT._replace(scope=Scope("symbol", BTC))
SHOCK = "PRICE_SHOCK: observed=600, limit=500"


def resume(folder, *options, by="ada", reason="looked at it", yes=True):
    said = ["--state", str(folder.path), "--by", by, "--reason", reason]
    return main(["resume", *said, *(["--yes"] if yes else []), *options])


def latch(folder):
    return Latch(folder.latch).read()


def test_a_resume_takes_back_latch_and_file_and_says_who_and_why(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT, ON_BTC, cause=SHOCK)
    folder.kill.write_text("HALT")

    assert resume(folder) == 0

    view = latch(folder)
    assert (view.state, view.kills, view.by, view.reason) == (
        TradingState.ACTIVE, (), "ada", "looked at it",
    )  # fmt: skip
    assert view.was == "HALTED"
    assert set(view.resumed) == {"account", f"symbol:{BTC}"}
    assert not folder.kill.exists()
    told = capsys.readouterr().out
    assert SHOCK in told
    assert f"{BTC}: BUY/SELL, an order to 10000 USDT (0.5), the position to 20000 USDT" in told
    assert "gross 25000 USDT, net 15000 USDT, leverage 1" in told
    assert "no node runs" in told


def test_a_resume_of_one_scope_leaves_the_rest_and_their_file(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT, ON_BTC)
    folder.kill.write_text("HALT")

    assert resume(folder, "--scope", f"symbol:{BTC}") == 0

    view = latch(folder)
    assert (view.state, view.kills, view.resumed) == (
        TradingState.HALTED, (HALT,), (f"symbol:{BTC}",),
    )  # fmt: skip
    assert folder.kill.exists()
    assert "the account stays HALTED" in capsys.readouterr().out


def test_a_resume_of_the_account_leaves_kills_of_symbols_and_strategies(tmp_path):
    folder = folder_of(tmp_path, HALT, ON_BTC, cause=SHOCK)

    assert resume(folder, "--scope", "account") == 0

    view = latch(folder)
    assert (view.state, view.causes, view.kills) == (TradingState.ACTIVE, (), (ON_BTC,))
    assert view.resumed == ("account",)


def test_what_a_breaker_has_tripped_goes_with_the_account(tmp_path):
    folder = folder_of(tmp_path, ON_BTC, cause=SHOCK)

    assert resume(folder, "--scope", "account") == 0
    assert (latch(folder).state, latch(folder).kills) == (TradingState.ACTIVE, (ON_BTC,))


def test_an_account_that_is_active_has_nothing_to_resume(tmp_path, capsys):
    folder = folder_of(tmp_path, ON_BTC)
    before = folder.latch.read_text()

    assert resume(folder, "--scope", "account") == 70
    assert "no kill of account is open" in capsys.readouterr().err
    assert folder.latch.read_text() == before


@pytest.mark.parametrize("name", ["BTCUSDT", "btcusdt", BTC])
def test_a_scope_to_resume_may_be_written_as_the_venue_does(tmp_path, name):
    folder = folder_of(tmp_path, ON_BTC)

    assert resume(folder, "--scope", f"symbol:{name}") == 0
    assert latch(folder).kills == ()


def test_a_kill_of_what_is_nothing_here_can_be_resumed_as_it_was_written(tmp_path):
    folder = folder_of(tmp_path, HALT._replace(scope=Scope("symbol", "XRPUSDT")))

    assert resume(folder, "--scope", "symbol:XRPUSDT") == 0
    assert latch(folder).kills == ()


def test_without_a_word_of_agreement_nothing_changes(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT)
    folder.kill.touch()
    before = folder.latch.read_text()

    assert resume(folder, yes=False) == 70

    assert (folder.latch.read_text(), folder.kill.exists()) == (before, True)
    assert "--yes" in capsys.readouterr().err


@pytest.mark.parametrize(("by", "reason"), [(" ", "why"), ("ada", "")])
def test_a_resume_needs_a_person_and_a_reason(tmp_path, by, reason):
    folder = folder_of(tmp_path, HALT)
    before = folder.latch.read_text()

    assert resume(folder, by=by, reason=reason) == 78
    assert folder.latch.read_text() == before


def test_a_folder_where_no_node_has_written_is_refused(tmp_path, capsys):
    (tmp_path / "state").mkdir()
    said = ["--by", "ada", "--reason", "r", "--yes"]

    assert main(["resume", "--state", str(tmp_path / "state"), *said]) == 70
    assert main(["resume", "--state", str(tmp_path / "typo"), *said]) == 78
    assert "no node has written there" in capsys.readouterr().err


def test_what_is_not_tripped_or_not_killed_is_refused(tmp_path, capsys):
    assert resume(folder_of(tmp_path)) == 70
    assert "nothing is tripped" in capsys.readouterr().err
    assert resume(folder_of(tmp_path / "b", HALT), "--scope", f"symbol:{BTC}") == 70
    assert "no kill of symbol" in capsys.readouterr().err
    assert resume(folder_of(tmp_path / "c", HALT), "--scope", "everything") == 78


def test_a_file_that_was_pulled_while_no_node_ran_is_something_to_resume(tmp_path):
    folder = folder_of(tmp_path)
    folder.kill.touch()

    assert resume(folder) == 0
    assert not folder.kill.exists()


@pytest.mark.parametrize(
    "cause",
    [
        "JOURNAL: observed=disk full, limit=a journal that can be written",
        "UNREALIZED_LOSS: observed=0.2, limit=0.1",
        "DAILY_LOSS: observed=0.04, limit=0.03",
        "POSITION_MISMATCH: observed=1, limit=0",
        "REDIS_LOST: observed=away, limit=there",
        "FLATTEN_UNFINISHED: observed=position, limit=flat",
    ],
)
def test_what_a_running_node_calls_open_refuses_and_is_named(tmp_path, capsys, cause):
    folder = folder_of(tmp_path, HALT)
    enliven(folder, open_causes=(cause,))
    before = folder.latch.read_text()

    assert resume(folder) == 70

    assert cause in capsys.readouterr().err
    assert folder.latch.read_text() == before


def test_losses_of_the_day_can_be_taken_as_given_and_nothing_else_can(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT)
    losses = ("DAILY_LOSS: observed=2, limit=1", "DRAWDOWN: observed=2, limit=1")
    enliven(folder, open_causes=(*losses, "UNREALIZED_LOSS: observed=2, limit=1"))

    assert resume(folder, "--take-losses") == 70

    told = capsys.readouterr().err
    assert "UNREALIZED_LOSS" in told
    assert "DAILY_LOSS" not in told
    assert "DRAWDOWN" not in told


def test_a_node_that_is_hung_or_has_an_old_status_cannot_be_judged(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT)
    enliven(folder, age_ms=60_000)
    status = json.loads(folder.status.read_text())
    folder.status.write_text(json.dumps(status | {"ts_ns": status["ts_ns"] - 60_000_000_000}))

    assert resume(folder) == 70

    told = capsys.readouterr().err
    assert "NODE_SILENT" in told
    assert "STATUS_OLD" in told


def test_without_a_node_a_flatten_that_nobody_has_verified_stays(tmp_path, capsys):
    folder = folder_of(tmp_path, FLATTEN)

    assert resume(folder) == 70
    assert "FLATTEN_UNFINISHED" in capsys.readouterr().err

    row = {"entries_ns": 6, "flat_ns": 7, "left": []}
    folder.kills.write_text(json.dumps([FLATTEN.row() | row | {"ts_ns": 4}]))
    assert resume(folder) == 70  # that was another one
    folder.kills.write_text(json.dumps([FLATTEN.row() | row]))
    assert resume(folder) == 0


def test_without_a_node_a_broken_journal_stays(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT)
    folder.journal.write_text(folder.journal.read_text().replace('"h"', '"x"'))

    assert resume(folder) == 70
    assert "JOURNAL: observed=" in capsys.readouterr().err


def test_a_latch_that_is_none_needs_a_person_who_says_so(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT)
    folder.latch.write_text("{")

    assert resume(folder) == 70
    assert "counts as HALTED" in capsys.readouterr().err
    assert folder.latch.read_text() == "{"

    assert resume(folder, "--unreadable") == 0
    assert latch(folder).state is TradingState.ACTIVE
    assert [path.read_text() for path in folder.path.glob("*.bad-*")] == ["{"]


def test_a_latch_that_is_a_folder_is_set_aside_as_well(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT)
    folder.latch.unlink()
    folder.latch.mkdir()

    assert resume(folder) == 70
    assert "counts as HALTED" in capsys.readouterr().err

    assert resume(folder, "--unreadable") == 0
    assert latch(folder).state is TradingState.ACTIVE


def test_a_redis_that_is_away_refuses(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT, redis_url="redis://127.0.0.1:1/0", redis_loss="HOLD")

    assert resume(folder) == 70
    assert "REDIS_LOST" in capsys.readouterr().err


@pytest.mark.parametrize("way", ["file", "latch", "cause"])
def test_what_is_pulled_while_a_person_reads_is_not_taken_back(tmp_path, capsys, monkeypatch, way):
    folder = folder_of(tmp_path, HALT)

    def read_and_agree(_said):
        if way == "file":
            folder.kill.write_text("FLATTEN now")
        elif way == "latch":
            Latch(folder.latch).add_kill(FLATTEN)
        else:
            Latch(folder.latch).write(
                TradingState.HALTED, (HALT.cause, SHOCK), by="breaker", reason=SHOCK, ts_ns=9,
                kills=(HALT,),
            )  # fmt: skip
        return "yes"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", read_and_agree)
    assert resume(folder, yes=False) == 70

    assert "meanwhile" in capsys.readouterr().err
    assert latch(folder).state is TradingState.HALTED
    assert folder.kill.exists() is (way == "file")


def test_a_file_that_names_the_symbol_as_the_venue_does_is_taken_back_with_it(tmp_path):
    folder = folder_of(tmp_path, ON_BTC)
    folder.kill.write_text('{"level": "HALT", "scope": "symbol:BTCUSDT"}')

    assert resume(folder, "--scope", f"symbol:{BTC}") == 0

    assert not folder.kill.exists()


def test_without_a_node_a_loss_that_has_tripped_must_be_taken_by_name(tmp_path, capsys):
    folder = folder_of(tmp_path, cause="DAILY_LOSS: observed=0.04, limit=0.03")

    assert resume(folder) == 70
    assert "DAILY_LOSS: observed=0.04, limit=0.03" in capsys.readouterr().err

    assert resume(folder, "--take-losses") == 0


def test_another_process_with_the_number_of_the_dead_node_stands_in_nobodys_way(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT)
    enliven(folder, age_ms=60_000)
    with hold(folder.path):
        assert resume(folder) == 70
        assert "NODE_SILENT" in capsys.readouterr().err

    assert resume(folder) == 0
    assert "no node runs" in capsys.readouterr().out
