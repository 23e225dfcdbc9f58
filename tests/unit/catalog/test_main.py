"""The command line: what it prints, and what its exit code says."""

import json
import signal
import sys
from io import StringIO
from pathlib import Path

import pytest

from catalog.__main__ import main

T0 = 1_722_836_160_000


def kline(minute: int) -> str:
    start = T0 + minute * 60_000
    return f"{start},1.00,2.00,1.00,1.50,3,{start + 59_999},1,1,1,1,0"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "BTCUSDT-1m-2024-08.csv"
    path.parent.mkdir()
    path.write_text(f"{kline(0)}\n{kline(1)}\n")
    return path


def test_ingest_tells_what_came_in_and_ends_with_0(
    tmp_path: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["ingest", "--catalog", str(tmp_path / "c"), str(archive)])

    told = capsys.readouterr()
    assert code == 0
    assert told.err == ""
    assert told.out == (
        f"{archive}: Bar BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL: "
        "2 rows, 2 new, 2 in the catalog\n"
        "1 file taken, 0 not, 2 new rows\n"
    )


def test_ingest_goes_on_after_a_refused_file_and_ends_with_1(
    tmp_path: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = archive.with_name("BTCUSDT-1m-2024-07.csv")
    bad.write_text("x")

    code = main(["ingest", "--catalog", str(tmp_path / "c"), str(archive.parent)])

    told = capsys.readouterr()
    assert code == 1
    assert told.err.startswith(f"{bad}: refused: ")
    assert told.out.endswith("\n1 file taken, 1 not, 2 new rows\n")


def test_a_file_of_no_known_kind_is_skipped_in_a_folder_and_ingest_ends_with_0(
    tmp_path: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = archive.with_name("notes.txt")
    other.write_text("x")

    code = main(["ingest", "--catalog", str(tmp_path / "c"), str(archive.parent)])

    told = capsys.readouterr()
    assert code == 0
    assert told.err == (
        f"{other}: skipped: the name is of no known kind of file; say --symbol and --type\n"
    )
    assert told.out.endswith("\n1 file taken, 1 not, 2 new rows\n")


def test_a_file_of_no_known_kind_is_refused_if_it_is_named_itself(
    tmp_path: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = archive.with_name("notes.txt")
    other.write_text("x")

    code = main(["ingest", "--catalog", str(tmp_path / "c"), str(other), str(archive)])

    told = capsys.readouterr()
    assert code == 1
    assert told.err.startswith(f"{other}: refused: the name is of no known kind")
    assert told.out.endswith("\n1 file taken, 1 not, 2 new rows\n")


def test_an_interrupt_ends_with_130_between_two_files(
    tmp_path: Path,
    archive: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupting(StringIO):
        def write(self, text: str) -> int:  # the user presses Ctrl-C at the first word
            signal.raise_signal(signal.SIGINT)
            return super().write(text)

    second = archive.with_name("ETHUSDT-1m-2024-08.csv")
    second.write_bytes(archive.read_bytes())
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Interrupting())
        code = main(["ingest", "--catalog", str(tmp_path / "c"), str(archive), str(second)])

    assert code == 130
    assert capsys.readouterr().err == "interrupted; nothing half-written is in the catalog\n"
    [kept] = (tmp_path / "c" / "data" / "bar").iterdir()
    assert kept.name.startswith("BTCUSDT")


def test_the_options_of_ingest_describe_a_file_whose_name_does_not(
    tmp_path: Path, archive: Path
) -> None:
    renamed = archive.rename(archive.with_name("x.csv"))
    options = ["--symbol", "btc/usdt", "--type", "klines", "--interval", "1m"]

    assert main(["ingest", "--catalog", str(tmp_path / "c"), *options, str(renamed)]) == 0


def test_list_tells_each_series_as_one_json_object(
    tmp_path: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["ingest", "--catalog", str(tmp_path / "c"), str(archive)])
    capsys.readouterr()

    code = main(["list", "--catalog", str(tmp_path / "c"), "--json"])

    assert code == 0
    assert json.loads(capsys.readouterr().out)["series"] == [
        {
            "data_cls": "Bar",
            "identifier": "BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL",
            "first": "2024-08-05T05:37:00.000Z",
            "last": "2024-08-05T05:38:00.000Z",
            "rows": 2,
        }
    ]


def test_list_as_a_table_cuts_nothing_off_in_a_pipe(
    tmp_path: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["ingest", "--catalog", str(tmp_path / "c"), str(archive)])
    capsys.readouterr()

    main(["list", "--catalog", str(tmp_path / "c")])

    assert "BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL" in capsys.readouterr().out


def test_list_of_an_empty_folder_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["list", "--catalog", str(tmp_path)])

    assert code == 0
    assert "is empty" in capsys.readouterr().out


def test_list_of_a_missing_folder_ends_with_78(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["list", "--catalog", str(tmp_path / "c")])

    assert code == 78
    assert capsys.readouterr().err == f"error: no catalog at {tmp_path / 'c'}\n"


@pytest.mark.parametrize("below", ["", "deep/er"])
@pytest.mark.parametrize(
    "command",
    [
        ["ingest", "."],
        ["download", "BTCUSDT", "--type", "trades", "--from", "2024-01-01", "--to", "2024-01-01"],
        ["instruments"],
        ["list"],
        ["check"],
        ["demo"],
    ],
    ids=lambda command: command[0],
)
def test_a_catalog_that_is_a_file_ends_every_command_with_78(
    archive: Path, capsys: pytest.CaptureFixture[str], command: list[str], below: str
) -> None:
    before = archive.read_bytes()

    code = main([*command, "--catalog", str(archive / below)])

    assert code == 78
    assert capsys.readouterr().err == (
        f"error: --catalog {archive / below}: {archive} is a file, not a folder\n"
    )
    assert archive.read_bytes() == before


def test_instruments_writes_the_builtin_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = main(["instruments", "--catalog", str(tmp_path / "c")])
    again = main(["--catalog", str(tmp_path / "c"), "instruments"])

    lines = capsys.readouterr().out.splitlines()
    assert (first, again) == (0, 0)
    assert lines == ["15 instruments, 15 new or changed", "15 instruments, 0 new or changed"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "COMMAND"),
        (["nonsense"], "nonsense"),
        (["ingest"], "PATH"),
        (["ingest", "--type", "depth", "x"], "depth"),
        (["ingest", "--interval", "7x", "x"], "'7x'"),
        (["ingest", "--symbol", "BTC", "."], "'BTC'"),
        (["ingest", "/nowhere/at/all"], "/nowhere/at/all"),
        (["instruments", "--exchange-info", "/nowhere/at/all"], "/nowhere/at/all"),
        (["instruments", "--brackets", "x.json"], "--exchange-info"),
    ],
)
def test_bad_usage_and_bad_input_end_with_78_and_the_reason(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    reason: str,
) -> None:
    try:
        code = main(["--catalog", str(tmp_path / "c"), *arguments])
    except SystemExit as e:
        code = e.code

    assert code == 78
    assert reason in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.parquet"))
