"""A recording comes back as it was written, and a kill costs at most its last line."""

import resource
import signal
from decimal import Decimal

import pytest

from actors.recorder import BalanceSample, OpeningOrder, OpeningPosition, PriceSample
from actors.recording import Header, RecordingError, RecordingFile, read_recording
from risk.events import FundingPayment
from tests.report_log import liquidation, round_trips

HEADER = Header(
    started_ns=1, profile="{}", profile_hash="ab", strategy_ids=["S-1"], venue="BINANCE",
    account_id="BINANCE-001", journal="state/journal.jsonl", journal_records=3,
)  # fmt: skip
ENTRIES = [
    *round_trips(2),
    *liquidation(),
    PriceSample(1, "X", 1.5, 1.0, 2.0, None),
    PriceSample(1, "X", 1.5, 1.0, 2.0, 1.25),
    BalanceSample(2, Decimal("99999.123456789012345")),
    FundingPayment("X", Decimal("-0.10"), 3),
    OpeningPosition(4, "P", "S", "X", Decimal("-0.3"), Decimal("100.50")),
    OpeningOrder(5, "O", Decimal(0)),
]


def written(path, *, ends: bool = True):
    file = RecordingFile(path)
    file.begin(HEADER)
    for entry in ENTRIES:
        file.append(entry)
    if ends:
        file.end(9)
    return path


def plain(entry) -> object:
    """Return an entry in a form that is equal when everything in it is."""
    return entry if isinstance(entry, tuple) else type(entry).to_dict(entry)


def test_every_kind_of_entry_comes_back_as_it_was(tmp_path):
    recording = read_recording(written(tmp_path / "r.jsonl"))

    assert (recording.header, recording.ended_ns) == (HEADER, 9)
    assert list(map(plain, recording.entries)) == list(map(plain, ENTRIES))


def test_every_entry_is_with_the_operating_system_before_the_next_one(tmp_path):
    path = tmp_path / "r.jsonl"
    file = RecordingFile(path)
    file.begin(HEADER)

    lengths = []
    for entry in ENTRIES:
        file.append(entry)
        lengths.append(len(read_recording(path).entries))

    assert lengths == list(range(1, len(ENTRIES) + 1))


def test_a_torn_last_line_is_left_out(tmp_path):
    path = written(tmp_path / "r.jsonl", ends=False)
    whole = path.read_bytes()

    for cut in (1, 20):
        path.write_bytes(whole[:-cut])
        recording = read_recording(path)
        assert (len(recording.entries), recording.ended_ns) == (len(ENTRIES) - 1, None)


@pytest.mark.parametrize("line", ["nonsense", '["PriceSample",[1]]', '["What",1]', '["event",{}]'])
def test_any_other_broken_line_is_named(tmp_path, line):
    path = written(tmp_path / "r.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], line + "\n", *lines[2:]]))

    with pytest.raises(RecordingError, match=r"r\.jsonl: line 3: is no entry"):
        read_recording(path)


def test_a_recording_without_a_header_is_refused(tmp_path):
    path = tmp_path / "r.jsonl"
    RecordingFile(path).append(ENTRIES[0])

    with pytest.raises(RecordingError, match="has no header"):
        read_recording(path)


def test_a_recording_is_never_written_over(tmp_path):
    written(tmp_path / "r.jsonl")

    with pytest.raises(FileExistsError):
        RecordingFile(tmp_path / "r.jsonl")


def test_a_disk_that_fails_ends_the_recording_and_raises_nothing(tmp_path):
    path = tmp_path / "r.jsonl"
    file = RecordingFile(path)
    file.begin(HEADER)
    size = path.stat().st_size
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, allowed[1]))
    try:
        file.append(ENTRIES[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
        signal.signal(signal.SIGXFSZ, ignored)

    file.append(ENTRIES[1])

    assert "cannot be written" in file.failure
    assert path.stat().st_size == size + 10  # and nothing after the torn line
    assert read_recording(path).entries == []
