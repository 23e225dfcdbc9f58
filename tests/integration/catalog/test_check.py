"""The command ``python -m catalog check``: what it prints and with which code it ends."""

import json
from pathlib import Path

import numpy as np
import pytest
from nautilus_trader.model.data import Bar, BarType

from catalog import demo, encode
from catalog.__main__ import main
from catalog.instruments import builtin_instruments
from catalog.quality_rules import MINUTE_NS
from catalog.store import Store

OUTAGE_DAY = str(demo.OUTAGE_FROM.date())


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("check") / "demo"
    demo.build_demo(out, seed=demo.DEFAULT_SEED)
    return out


def document(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out)


def test_the_bad_day_of_the_demo_is_named_with_what_and_where(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["check", "--catalog", str(catalog), "--json"])

    found = document(capsys)
    assert code == 1
    assert found["bad_days"] == [
        {
            "instrument_id": f"{symbol}-PERP.BINANCE",
            "day": OUTAGE_DAY,
            "reasons": ["bars: gap x47, first 03:12:00, longest 47 min"],
        }
        for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    ]
    assert len([day for day in found["days"] if day["type"] == "bars"]) == 3 * demo.DAYS


@pytest.mark.parametrize("seed", range(10, 14))
def test_the_outage_is_the_only_flaw_of_a_demo_whatever_its_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    demo.build_demo(tmp_path / "demo", seed)

    main(["check", "--catalog", str(tmp_path / "demo"), "--json"])

    flawed = [day for day in document(capsys)["days"] if day["findings"]]
    assert {(day["day"], f["kind"]) for day in flawed for f in day["findings"]} == {
        (OUTAGE_DAY, "gap")
    }


def test_the_table_names_the_series_and_the_day(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["check", "--catalog", str(catalog), "btcusdt"])

    out = capsys.readouterr().out
    assert code == 1
    assert "BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL" in out
    assert f"{OUTAGE_DAY}" in out
    assert "gap x47, first 03:12:00, longest 47 min" in out
    assert "ETHUSDT" not in out
    assert out.endswith(f"1 bad day\n{OUTAGE_DAY}: the demo's outage is meant to be there\n")


def test_days_without_a_flaw_end_well(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "--catalog", str(catalog), "--from", "2026-01-10", "--to", "2026-01-15"])

    assert code == 0
    assert capsys.readouterr().out.endswith("no bad days\n")


def test_many_days_of_nothing_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, bar_type = Store(tmp_path), "BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL"
    close_ns = np.array([1, 300 * 1440]) * MINUTE_NS
    columns = dict.fromkeys(("open", "high", "low", "close", "volume"), np.array([5.0, 5.0]))
    table = encode.bars_table(
        BarType.from_str(bar_type),
        builtin_instruments()["BTCUSDT-PERP.BINANCE"],
        columns | {"ts_event": close_ns},
    )
    store.write(table, Bar, bar_type)

    main(["check", "--catalog", str(tmp_path)])

    told = capsys.readouterr()
    assert "1970-01-02 .. 1970-10-26" in told.out
    assert told.out.count("no data") == 1


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (["XRPUSDT"], "has no data"),
        (["BTC"], "'BTC'"),
        (["--from", "2026-01-02", "--to", "2026-01-01"], "must not be after"),
        (["--to", "2261-12-31", "--from", "2200-01-01"], "has no data"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    catalog: Path, capsys: pytest.CaptureFixture[str], options: list[str], rule: str
) -> None:
    assert main(["check", "--catalog", str(catalog), *options]) == 78
    assert rule in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("x", "must be a date such as 2026-01-10"),
        ("2026-13-01", "must be a date such as 2026-01-10"),
        ("1969-12-31", "must lie from 1970-01-01 to 2261-12-31"),
        ("2262-01-01", "must lie from 1970-01-01 to 2261-12-31"),
    ],
)
@pytest.mark.parametrize("option", ["--from", "--to"])
def test_what_is_no_day_of_a_catalog_is_bad_usage(
    catalog: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, rule: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--catalog", str(catalog), option, value])

    assert ended.value.code == 78
    assert capsys.readouterr().err.endswith(f"argument {option}: {value!r} {rule}\n")


def test_a_folder_without_data_is_refused_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--catalog", str(tmp_path / "none")]) == 78
    assert f"no catalog at {tmp_path / 'none'}" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
