"""Papers that cannot be read, and the command."""

import pytest

from tests.wire_log_kit import approved
from venue.checkers.__main__ import main
from venue.checkers.log import CheckError, read_journal, read_limits, read_log, read_state


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"n":1,"ts":1,"kind":"x"}\nno\n', "line 2: no JSON object"),
        ('{"n":1,"ts":1,"kind":"x"}\n[]\n', "line 2: no JSON object"),
        ('{"n":1,"ts":1}\n', "line 1: without n, ts or kind"),
        ('{"n":1,"ts":1,"kind":"x"}\n{"n":3,"ts":1,"kind":"x"}\n', "line 2: its number is 3"),
        ('{"n":1,"ts":1,"kind":"x"}\n', "accounts none: say which to judge"),
    ],
)
def test_a_log_that_cannot_be_judged_is_named(tmp_path, text, told):
    path = tmp_path / "wire.jsonl"
    path.write_text(text)

    with pytest.raises(CheckError, match=rf"wire\.jsonl: {told}"):
        read_log(path)


def test_papers_that_cannot_be_read_are_named(tmp_path):
    path = tmp_path / "paper"
    path.write_text('{"ts":1}')
    with pytest.raises(CheckError, match="paper: line 1: without ts, type or data"):
        read_journal(path)
    with pytest.raises(CheckError, match="paper: without positions, open_orders, balance_usdt"):
        read_state(path)
    with pytest.raises(CheckError, match="paper: "):
        read_limits(path)
    path.write_text("x = 1")
    with pytest.raises(CheckError, match=r"paper: no table \[limits\]"):
        read_limits(path)
    with pytest.raises(CheckError, match="none: No such file"):
        read_journal(tmp_path / "none")


def test_the_command_tells_every_verdict_and_says_no_with_its_exit_code(script, tmp_path, capsys):
    script.approve(approved("a", "BUY", "1"))
    script.send("a", "BUY", "1")
    log, journal = script.write(tmp_path)
    assert main([str(log), "--journal", str(journal)]) == 0
    assert "not judged" in capsys.readouterr().out

    script.send("a", "BUY", "1")
    log, journal = script.write(tmp_path)
    assert main([str(log), "--journal", str(journal)]) == 1
    assert "approved: line 5: a BTCUSDT BUY MARKET 1: its approval was used" in (
        capsys.readouterr().out
    )

    assert main([str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err
