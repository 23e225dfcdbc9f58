"""Downloads from a mirror that fails: only whole and verified files, and every lack is told."""

import io
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from threading import Event

import pytest
from nautilus_trader.model.data import Bar, MarkPriceUpdate

from catalog import vision
from catalog.__main__ import main
from catalog.download import Source, download
from catalog.fetch import Outcome, Patience, Status, fetch
from catalog.store import Store
from catalog.vision import Series
from tests.mirror import Fault, Mirror, running

KLINES = Series(symbol="BTCUSDT", data_type="klines", interval="1m")
FILE = KLINES.daily(date(2024, 3, 1))
BODY = bytes(range(256)) * 4096  # 1 MiB
PATIENCE = Patience(timeout_secs=0.5, attempts_max=3, backoff_secs=0.001)
TODAY = date(2024, 5, 3)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with running(Mirror()) as mirror:
        mirror.add(FILE.path, BODY)
        yield mirror


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out" / FILE.name


def get(mirror: Mirror, target: Path, patience: Patience = PATIENCE) -> Outcome:
    return fetch(f"{mirror.base_url}/{FILE.path}", target, patience, Event())


def source(mirror: Mirror, out: Path) -> Source:
    return Source(base_url=mirror.base_url, out=out, patience=PATIENCE)


def part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def only_whole(target: Path) -> bool:
    """Return whether the file, its checksum and nothing else is in the folder."""
    names = {path.name for path in target.parent.iterdir()}
    return names == {target.name, f"{target.name}.CHECKSUM"} and target.read_bytes() == BODY


def test_a_file_comes_with_its_checksum(mirror: Mirror, target: Path) -> None:
    assert get(mirror, target).status is Status.FETCHED
    assert only_whole(target)
    checksum = target.with_name(f"{target.name}.CHECKSUM").read_text("utf-8")
    assert checksum == mirror.checksums[f"{FILE.path}.CHECKSUM"]


def test_a_whole_file_is_not_fetched_twice(mirror: Mirror, target: Path) -> None:
    get(mirror, target)

    assert get(mirror, target).status is Status.KEPT
    assert len(mirror.asked(FILE.path)) == 1


def test_a_file_that_was_issued_anew_is_fetched_anew(mirror: Mirror, target: Path) -> None:
    mirror.add(FILE.path, b"the first issue")
    get(mirror, target)
    mirror.add(FILE.path, BODY)

    assert get(mirror, target).status is Status.FETCHED
    assert only_whole(target)


def test_a_file_that_does_not_exist_is_missing(mirror: Mirror, target: Path) -> None:
    mirror.files.clear()
    mirror.checksums.clear()

    assert get(mirror, target).status is Status.MISSING
    assert not target.parent.exists()


def test_a_file_without_a_checksum_is_not_taken(mirror: Mirror, target: Path) -> None:
    mirror.checksums.clear()

    outcome = get(mirror, target)

    assert outcome.status is Status.FAILED
    assert "its .CHECKSUM is not" in outcome.reason
    assert not target.exists()


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.STALL, Fault.CORRUPT, Fault.BUSY])
def test_a_fault_that_passes_is_survived(mirror: Mirror, target: Path, fault: Fault) -> None:
    mirror.faults[FILE.path].append(fault)

    assert get(mirror, target).status is Status.FETCHED
    assert only_whole(target)
    assert len(mirror.asked(FILE.path)) == 2


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.STALL])
def test_after_a_broken_transfer_only_the_rest_is_asked_for(
    mirror: Mirror, target: Path, fault: Fault
) -> None:
    mirror.faults[FILE.path].append(fault)

    get(mirror, target)

    assert mirror.asked(FILE.path) == [None, f"bytes={len(BODY) // 2}-"]


def test_a_server_without_ranges_is_asked_for_the_whole_again(target: Path) -> None:
    with running(Mirror(has_ranges=False)) as mirror:
        mirror.add(FILE.path, BODY)
        mirror.faults[FILE.path].append(Fault.TRUNCATED)

        assert get(mirror, target).status is Status.FETCHED

    assert only_whole(target)
    assert len(mirror.asked(FILE.path)) == 2


def test_a_rest_that_begins_elsewhere_is_thrown_away(mirror: Mirror, target: Path) -> None:
    mirror.faults[FILE.path].extend([Fault.TRUNCATED, Fault.WRONG_RANGE])

    assert get(mirror, target).status is Status.FETCHED
    assert only_whole(target)
    assert mirror.asked(FILE.path)[-1] is None


def test_a_part_that_is_whole_already_is_taken_without_its_body(
    mirror: Mirror, target: Path
) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(BODY)

    assert get(mirror, target).status is Status.FETCHED
    assert only_whole(target)
    assert mirror.asked(FILE.path) == [f"bytes={len(BODY)}-"]


@pytest.mark.parametrize("leftover", [b"of another file", BODY + b"too long"])
def test_a_part_that_does_not_belong_is_begun_again(
    mirror: Mirror, target: Path, leftover: bytes
) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(leftover)

    assert get(mirror, target).status is Status.FETCHED
    assert only_whole(target)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.TRUNCATED, "the body ended after"),
        (Fault.STALL, "timed out"),
        (Fault.CORRUPT, "its .CHECKSUM says"),
        (Fault.BUSY, "status 503"),
    ],
)
def test_a_fault_that_stays_fails_after_the_last_attempt_and_leaves_no_file(
    mirror: Mirror, target: Path, fault: Fault, reason: str
) -> None:
    mirror.faults[FILE.path].extend([fault] * 10)

    outcome = get(mirror, target)

    assert outcome.status is Status.FAILED
    assert reason in outcome.reason
    assert FILE.path in outcome.reason
    assert len(mirror.asked(FILE.path)) == PATIENCE.attempts_max
    assert not target.exists()


def test_a_refusal_is_not_tried_again(mirror: Mirror, target: Path) -> None:
    mirror.faults[FILE.path].append(Fault.FORBIDDEN)

    outcome = get(mirror, target)

    assert (outcome.status, "status 403" in outcome.reason) == (Status.FAILED, True)
    assert len(mirror.asked(FILE.path)) == 1


def test_long_files_may_come_in_more_pieces_than_there_are_attempts(
    mirror: Mirror, target: Path
) -> None:
    body = BODY * 40
    mirror.add(FILE.path, body)
    mirror.faults[FILE.path].extend([Fault.TRUNCATED] * 5)  # each leaves half of the rest

    assert get(mirror, target).status is Status.FETCHED
    assert target.read_bytes() == body


def test_a_checksum_of_another_file_is_refused(mirror: Mirror, target: Path) -> None:
    mirror.checksums[f"{FILE.path}.CHECKSUM"] = f"{'0' * 64}  OTHER.zip\n"

    outcome = get(mirror, target)

    assert outcome.status is Status.FAILED
    assert "expected '<sha256>" in outcome.reason


def test_a_server_that_is_not_there_fails(target: Path) -> None:
    with running(Mirror()) as mirror:
        pass

    assert get(mirror, target).status is Status.FAILED


def test_a_month_that_is_not_there_is_tried_by_the_day(mirror: Mirror, tmp_path: Path) -> None:
    present = [KLINES.daily(date(2024, 4, day)) for day in range(1, 31) if day != 17]
    for file in present:
        mirror.add(file.path, file.name.encode())
    february = KLINES.monthly(date(2024, 2, 1))
    mirror.add(february.path, BODY)
    span = date(2024, 2, 1), date(2024, 2, 29)

    months = download([KLINES], span, source(mirror, tmp_path), TODAY)
    days = download(
        [KLINES], (date(2024, 4, 1), date(2024, 4, 30)), source(mirror, tmp_path), TODAY
    )

    assert {f.name: o.status for f, o in months.items()} == {february.name: Status.FETCHED}
    missing = [file.name for file, outcome in days.items() if outcome.status is Status.MISSING]
    assert missing == ["BTCUSDT-1m-2024-04-17.zip"]
    assert len(days) == 30
    assert all((tmp_path / file.path).read_bytes() == file.name.encode() for file in present)


def test_several_files_are_fetched_at_once(mirror: Mirror, tmp_path: Path) -> None:
    first, second = (KLINES.daily(date(2024, 4, day)) for day in (1, 2))
    for file in (first, second):
        mirror.add(file.path, BODY)
    mirror.faults[first.path].append(Fault.STALL)
    patient = Source(
        base_url=mirror.base_url, out=tmp_path, patience=Patience(timeout_secs=30, attempts_max=1)
    )

    class Releasing(dict):
        def get(self, path: str) -> bytes | None:  # the second file is asked for: let go the first
            if path == second.path:
                mirror.stalled.wait()
                mirror.released.set()
            return super().get(path)

    mirror.files = Releasing(mirror.files)
    outcomes = download([KLINES], (first.first_day, second.last_day), patient, TODAY)

    assert outcomes[second].status is Status.FETCHED
    # It was let go by the second one's request; alone it would have timed out.
    assert "the body ended after" in outcomes[first].reason


def test_a_stopped_fetch_keeps_what_it_has_for_the_next_run(mirror: Mirror, target: Path) -> None:
    stop = Event()
    stop.set()

    outcome = fetch(f"{mirror.base_url}/{FILE.path}", target, PATIENCE, stop)

    assert outcome.status is Status.FAILED
    assert not target.exists()
    assert part_of(target).stat().st_size > 0
    assert get(mirror, target).status is Status.FETCHED
    assert only_whole(target)


def command(mirror: Mirror, out: Path, *options: str) -> list[str]:
    return [
        *("--catalog", str(out / "catalog"), "download", "btcusdt", "--type", "klines"),
        *("--interval", "1m", "--from", "2024-03-01", "--to", "2024-03-01"),
        *("--base-url", mirror.base_url, "--out", str(out), *options),
    ]


def test_a_killed_run_is_resumed_where_it_stopped(mirror: Mirror, tmp_path: Path) -> None:
    target = tmp_path / FILE.path
    mirror.faults[FILE.path].append(Fault.STALL)
    with subprocess.Popen(
        [sys.executable, "-m", "catalog", *command(mirror, tmp_path)], stdout=subprocess.DEVNULL
    ) as run:
        mirror.stalled.wait(timeout=60)
        while not (part_of(target).is_file() and part_of(target).stat().st_size):
            assert run.poll() is None
        run.kill()
    have = part_of(target).stat().st_size

    assert not target.exists()
    assert 0 < have <= len(BODY) // 2
    assert main(command(mirror, tmp_path)) == 0
    assert only_whole(target)
    assert mirror.asked(FILE.path) == [None, f"bytes={have}-"]


def test_an_interrupted_run_ends_with_130_and_no_traceback(mirror: Mirror, tmp_path: Path) -> None:
    mirror.faults[FILE.path].append(Fault.STALL)
    with subprocess.Popen(
        [sys.executable, "-m", "catalog", *command(mirror, tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        mirror.stalled.wait(timeout=60)
        run.send_signal(signal.SIGINT)
        told = run.communicate(timeout=60)

    assert run.returncode == 130
    assert told == ("", "interrupted; nothing half-written is in the catalog\n")
    assert not (tmp_path / FILE.path).exists()


def test_the_command_tells_what_is_missing(
    mirror: Mirror, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*command(mirror, tmp_path), "--to", "2024-03-02"])

    told = capsys.readouterr()
    assert code == 1
    assert told.out == "2 files: 1 fetched, 0 kept, 1 missing, 0 failed\n"
    assert told.err == "missing: BTCUSDT-1m-2024-03-02.zip: 404\n"


@pytest.mark.parametrize(
    ("data_type", "data_cls", "identifier", "rows"),
    [
        ("klines", Bar, "BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL", 2),
        ("markPriceKlines", MarkPriceUpdate, "BTCUSDT-PERP.BINANCE", 4),  # opens and closes
    ],
)
def test_what_came_is_ingested_as_what_was_asked_for(
    mirror: Mirror, tmp_path: Path, data_type: str, data_cls: type, identifier: str, rows: int
) -> None:
    series = Series(symbol="BTCUSDT", data_type=data_type, interval="1m")
    row = "{0},60000.0,60001.0,59999.0,60000.5,{1},{2},0,0,0,0,0\n"
    start_ms = 1_709_251_200_000
    volume = "1.5" if data_type == "klines" else "0"
    lines = [
        row.format(start_ms + n * 60_000, volume, start_ms + n * 60_000 + 59_999) for n in (0, 1)
    ]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("BTCUSDT-1m-2024-03-01.csv", "".join(lines))
    mirror.add(series.daily(date(2024, 3, 1)).path, archive.getvalue())

    code = main([*command(mirror, tmp_path, "--ingest"), "--type", data_type])

    store = Store(tmp_path / "catalog")
    assert code == 0
    assert store.rows(data_cls, identifier) == rows


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("--base-url", "file:///etc"), "must begin with http"),
        (("--from", "2024-03-02"), "--from 2024-03-02 must not be after --to 2024-03-01"),
        (("--to", "2261-12-31"), "must lie before today"),
        (("--type", "aggTrades"), "--type aggTrades takes no --interval"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    mirror: Mirror,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    rule: str,
) -> None:
    assert main([*command(mirror, tmp_path), *options]) == 78
    assert rule in capsys.readouterr().err
    assert mirror.requests == []


def test_the_default_source_is_the_venue_itself() -> None:
    assert vision.BASE_URL == "https://data.binance.vision"
