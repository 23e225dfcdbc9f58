"""`python -m ops resume`: what it refuses, what it takes back, and what it says before."""

import json
import os

import pytest

from ops.__main__ import main
from risk.folder_lock import hold
from risk.kills import ACCOUNT, Kill, KillLevel, Scope
from risk.latch import Latch
from risk.state_machine import SAME_PULL_NS
from risk.trading_state import TradingState
from tests.node_folder import BTC, ETH, enliven, folder_of

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
    told = capsys.readouterr().out
    assert "not yet:\n  the account stays HALTED" in told
    assert "allowed again" not in told


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


@pytest.mark.parametrize("is_newer", [False, True])
def test_a_status_of_before_the_last_pull_is_waited_for_and_then_cannot_judge(
    tmp_path, capsys, is_newer
):
    folder = folder_of(tmp_path, HALT)
    enliven(folder)
    told_ns = json.loads(folder.status.read_text())["ts_ns"]
    table = json.loads(folder.latch.read_text())
    folder.latch.write_text(json.dumps(table | {"ts": told_ns - is_newer}))

    assert resume(folder, yes=False) == 70

    told = capsys.readouterr().err
    assert ("STATUS_OLD: observed=of before the last kill" in told) is not is_newer
    assert ("say --yes" in told) is is_newer


def test_a_pull_that_a_running_node_has_not_taken_yet_refuses(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT)
    enliven(folder)
    folder.kill.write_text("FLATTEN the market crashes")

    assert resume(folder) == 70

    assert "NOT_TAKEN: observed=FLATTEN of account by file KILL" in capsys.readouterr().err
    assert folder.kill.exists()


def test_a_running_node_that_has_not_verified_its_flatten_refuses(tmp_path, capsys):
    folder = folder_of(tmp_path, FLATTEN)
    enliven(folder)
    row = {"entries_ns": 6, "flat_ns": None, "left": ["position x"]}
    folder.kills.write_text(json.dumps([FLATTEN.row() | row]))

    assert resume(folder) == 70

    assert "FLATTEN_UNFINISHED: observed=not verified" in capsys.readouterr().err


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


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("file", "pulled: FLATTEN of account by file KILL: now"),
        ("touch", "the file KILL was pulled again"),
        ("harder", "pulled: FLATTEN of account by ann: news"),
        ("again", "pulled: HALT of account by carl: news"),
        ("gentler", "the latch was written by carl: KILLED_REDUCE: observed=REDUCE by carl"),
        ("cause", f"tripped: {SHOCK}"),
        ("gone", "gone: HALT of account by ann: news"),
    ],
)
def test_what_is_pulled_while_a_person_reads_is_told_and_not_taken_back(
    tmp_path, capsys, monkeypatch, way, told
):
    folder = folder_of(tmp_path, HALT)
    if way == "touch":
        folder.kill.write_text("HALT")
        os.utime(folder.kill, ns=(5, 5))
    later = HALT._replace(by="carl", ts_ns=5 + SAME_PULL_NS)
    pulls = {
        "harder": FLATTEN, "again": later, "gentler": later._replace(level=KillLevel.REDUCE),
    }  # fmt: skip

    def read_and_agree(_said):
        if way == "file":
            folder.kill.write_text("FLATTEN now")
        elif way == "touch":
            folder.kill.touch()
        elif way in pulls:
            Latch(folder.latch).add_kill(pulls[way])
        else:
            causes, kills = (
                ((HALT.cause, SHOCK), (HALT,)) if way == "cause" else ((HALT.cause,), ())
            )
            Latch(folder.latch).write(
                TradingState.HALTED, causes, by="other", reason="r", ts_ns=9, kills=kills
            )
        return "yes"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", read_and_agree)
    assert resume(folder, yes=False) == 70

    assert f"refused: meanwhile:\n  {told}" in capsys.readouterr().err
    assert latch(folder).state is TradingState.HALTED
    assert folder.kill.exists() is (way in {"file", "touch"})


def test_a_resume_that_cannot_write_the_latch_leaves_the_file_pulled(tmp_path, capsys):
    folder = folder_of(tmp_path)
    folder.kill.write_text("HALT news")

    with Latch(folder.latch).alone():  # another one writes, and does not come to an end
        assert resume(folder) == 70

    assert "another one was writing" in capsys.readouterr().err
    assert folder.kill.read_text() == "HALT news"
    assert [path.name for path in folder.path.glob("KILL*")] == ["KILL"]
    assert resume(folder) == 0
    assert not list(folder.path.glob("KILL*"))


def test_a_cause_that_opens_while_a_person_reads_refuses(tmp_path, capsys, monkeypatch):
    folder = folder_of(tmp_path, HALT)
    enliven(folder)

    def read_and_agree(_said):
        enliven(folder, open_causes=("REDIS_LOST: observed=away, limit=there",))
        return "yes"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", read_and_agree)
    assert resume(folder, yes=False) == 70

    assert "meanwhile:\n  REDIS_LOST: observed=away" in capsys.readouterr().err
    assert latch(folder).state is TradingState.HALTED


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


# -- what is allowed again ----------------------------------------------------------------------


def allowed_after(folder, capsys, *options):
    assert resume(folder, *options, yes=False) == 70
    told = capsys.readouterr().out
    again, _, rest = told.partition("not yet:\n")
    return again.partition("allowed again:\n")[2], rest


ON_ONE = HALT._replace(scope=Scope("strategy", "ONE-001"), level=KillLevel.REDUCE)


def test_only_what_nothing_else_forbids_is_called_allowed(tmp_path, capsys):
    folder = folder_of(tmp_path, ON_BTC, ON_ONE)

    again, rest = allowed_after(folder, capsys, "--scope", "symbol:BTCUSDT")

    assert again == ""
    assert f"  {BTC}: REDUCE of strategy:ONE-001\n" in rest


def test_the_account_alone_leaves_a_killed_symbol_forbidden_and_says_so(tmp_path, capsys):
    folder = folder_of(tmp_path, HALT, ON_BTC)

    again, rest = allowed_after(folder, capsys, "--scope", "account")

    assert f"{ETH}: BUY/SELL" in again
    assert BTC not in again
    assert f"  {BTC}: HALT of symbol:{BTC}\n" in rest


def test_a_symbol_that_another_strategy_trades_is_allowed_without_the_killed_one(tmp_path, capsys):
    folder = folder_of(tmp_path, ON_BTC, ON_ONE)
    table = json.loads(folder.node.read_text())
    folder.node.write_text(json.dumps(table | {"strategies": {"ONE-001": BTC, "TWO-002": BTC}}))

    again, rest = allowed_after(folder, capsys, "--scope", f"symbol:{BTC}")

    assert f"{BTC}: BUY/SELL" in again
    assert ETH not in again
    assert "  ONE-001: REDUCE of strategy:ONE-001\n" in rest


def test_a_strategy_is_allowed_what_it_trades(tmp_path, capsys):
    folder = folder_of(tmp_path, ON_ONE)

    again, rest = allowed_after(folder, capsys, "--scope", "strategy:ONE-001")

    assert f"{BTC}: BUY/SELL" in again
    assert (ETH in again, rest) == (False, "")


def test_a_pull_that_no_node_has_taken_still_forbids(tmp_path, capsys):
    folder = folder_of(tmp_path, ON_BTC)
    folder.kill.write_text("HALT")

    again, rest = allowed_after(folder, capsys, "--scope", f"symbol:{BTC}")

    assert again == ""
    assert f"  {BTC}: HALT of account\n" in rest
