"""The embedded catalog: whole or absent, the same for everybody, and consistent in itself."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from nautilus_trader.model.data import Bar, FundingRateUpdate, MarkPriceUpdate, QuoteTick, TradeTick

from catalog import demo, encode
from catalog.__main__ import main
from catalog.market import MINUTE_NS
from catalog.store import Store

INSTRUMENTS = ("BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE", "SOLUSDT-PERP.BINANCE")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo") / "demo"
    demo.build_demo(out, seed=demo.DEFAULT_SEED)
    return out


def rows(out: Path, data_cls: type, identifier: str) -> pd.DataFrame:
    if data_cls is Bar:
        identifier = f"{identifier}-1-MINUTE-LAST-EXTERNAL"
    table = pa.Table.from_batches(Store(out).read(data_cls, identifier))
    columns = {
        name: encode.floats(table[name])
        for name in table.column_names
        if table.schema.field(name).type == encode.RAW
    }
    return pd.DataFrame(columns | {"ts": table["ts_init"].to_numpy().astype("int64")})


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


def snapshot(out: Path) -> dict[str, bytes]:
    return {str(f.relative_to(out)): f.read_bytes() for f in out.rglob("*") if f.is_file()}


@pytest.mark.parametrize("instrument_id", INSTRUMENTS)
def test_bars_of_the_tick_hours_are_those_of_the_trades(out: Path, instrument_id: str) -> None:
    trades = rows(out, TradeTick, instrument_id)
    by_minute = trades.groupby(trades.ts // MINUTE_NS * MINUTE_NS + MINUTE_NS)
    rebuilt = by_minute.price.agg(["first", "max", "min", "last"])
    rebuilt["volume"] = by_minute["size"].sum()

    bars = rows(out, Bar, instrument_id).set_index("ts").loc[rebuilt.index]

    assert len(rebuilt) == demo.TICKS_HOURS * 60
    published = bars[["open", "high", "low", "close", "volume"]].to_numpy()
    assert published == pytest.approx(rebuilt.to_numpy(), rel=1e-12)


@pytest.mark.parametrize("instrument_id", INSTRUMENTS)
def test_the_crash_is_over_five_percent_within_its_minute(out: Path, instrument_id: str) -> None:
    bars = rows(out, Bar, instrument_id).set_index("ts")

    crash = bars.loc[ns(demo.CRASH_AT) + MINUTE_NS]

    assert crash.low / crash.open - 1 < -0.05
    others = bars.drop(index=ns(demo.CRASH_AT) + MINUTE_NS)
    assert (others.low / others.open - 1).min() > -0.05


@pytest.mark.parametrize(
    "data_cls", [Bar, MarkPriceUpdate, FundingRateUpdate, QuoteTick, TradeTick]
)
@pytest.mark.parametrize("instrument_id", INSTRUMENTS)
def test_nothing_is_recorded_in_the_outage(out: Path, data_cls: type, instrument_id: str) -> None:
    ts = rows(out, data_cls, instrument_id).ts
    begin = ns(demo.OUTAGE_FROM)

    inside = ts[(ts > begin) & (ts <= begin + demo.OUTAGE_MINUTES * MINUTE_NS)]

    assert len(ts) > 0
    assert inside.empty


def test_only_the_minutes_of_the_outage_are_missing(out: Path) -> None:
    ts = rows(out, Bar, INSTRUMENTS[0]).ts

    assert len(ts) == demo.DAYS * 1440 - demo.OUTAGE_MINUTES
    assert ts.diff().dropna().max() == (demo.OUTAGE_MINUTES + 1) * MINUTE_NS


def test_nautilus_reads_it(out: Path) -> None:
    catalog = Store(out).catalog()

    instruments = catalog.instruments()
    day = (ns(demo.TICKS_FROM), ns(demo.TICKS_FROM) + 60 * MINUTE_NS)
    read = {
        data_cls: len(catalog.query(data_cls, start=day[0], end=day[1]))
        for data_cls in (Bar, QuoteTick, TradeTick, MarkPriceUpdate)
    }

    assert sorted(i.id.value for i in instruments) == sorted(INSTRUMENTS)
    assert read[Bar] == read[MarkPriceUpdate] == 3 * 61
    assert read[QuoteTick] > 3 * 60 * 60
    assert read[TradeTick] > 3 * 60


def test_the_same_seed_builds_the_same_bytes_and_another_seed_does_not(
    out: Path, tmp_path: Path
) -> None:
    demo.build_demo(tmp_path / "same", demo.DEFAULT_SEED)
    demo.build_demo(tmp_path / "other", demo.DEFAULT_SEED + 1)

    files = {name for name in snapshot(out) if name.startswith("data/")}
    same, other = snapshot(tmp_path / "same"), snapshot(tmp_path / "other")

    assert len(files) >= 18
    assert {name: same[name] for name in files} == {name: snapshot(out)[name] for name in files}
    bars = [name for name in files if name.startswith("data/bar/")]
    assert all(other[name] != same[name] for name in bars)


def test_a_demo_of_the_same_seed_and_version_is_kept(out: Path) -> None:
    before = {f: f.stat().st_mtime_ns for f in out.rglob("*")}

    built = demo.build_demo(out, demo.DEFAULT_SEED)

    assert built is False
    assert {f: f.stat().st_mtime_ns for f in out.rglob("*")} == before


@pytest.mark.parametrize("line", ["--catalog X demo", "demo --catalog X", "demo --out X"])
def test_the_command_takes_its_place_from_either_option(
    out: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    code = main([str(out) if word == "X" else word for word in line.split()])

    assert code == 0
    assert capsys.readouterr().out.startswith(f"demo catalog already there: {out} (")


def test_a_demo_of_another_seed_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    demo.build_demo(out, seed=1)
    first = snapshot(out)

    assert demo.build_demo(out, seed=2) is True

    assert '"seed": 2' in (out / demo.MARKER).read_text("utf-8")
    assert snapshot(out) != first
    assert {p.name for p in tmp_path.iterdir()} == {"demo", ".demo.lock"}


def test_a_folder_that_is_no_demo_is_refused_and_untouched(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "work.csv").write_text("1\n")

    with pytest.raises(demo.DemoError, match="not a demo catalog"):
        demo.build_demo(out, seed=1)

    assert snapshot(out) == {"work.csv": b"1\n"}


def test_a_killed_build_leaves_no_demo_and_the_next_one_is_whole(out: Path, tmp_path: Path) -> None:
    target, part = tmp_path / "demo", tmp_path / ".demo.part"
    code = f"from catalog.demo import *; build_demo(Path({str(target)!r}), {demo.DEFAULT_SEED})"
    with subprocess.Popen([sys.executable, "-c", code]) as building:
        while building.poll() is None and not list(part.glob("data/bar/*/*.parquet")):
            pass  # wait until it has written something
        building.kill()

    assert part.exists(), "the build was over before it could be killed"
    assert not target.exists()
    demo.build_demo(target, demo.DEFAULT_SEED)
    assert snapshot(target).keys() == snapshot(out).keys()
    assert not part.exists()
