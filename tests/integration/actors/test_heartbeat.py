"""The heartbeat of a live kernel: what it proves, and that it never gets in the way."""

import asyncio
import time

import msgspec
import pytest

from actors.heartbeat import Beat, Heartbeat, attach_heartbeat
from risk.in_place import read_in_place
from risk.journal import read
from risk.trading_state import TradingState
from tests.attacks.live_scene import LiveScene
from tests.attacks.scene import BTC
from tests.venue_kit import until


class BeatingScene(LiveScene):
    """A live kernel with a heartbeat, before a sandbox venue."""

    heartbeat: Heartbeat

    def __init__(self, root) -> None:
        self.folder = root
        super().__init__(root / "state", guarded=True)

    def _start(self) -> None:
        self.heartbeat = attach_heartbeat(self.kernel, self.guard, self.folder / "heartbeat.json")
        super()._start()

    @property
    def judge(self):
        return self.guard.gate.judge

    def read(self) -> Beat:
        return msgspec.json.decode(self.heartbeat.path.read_bytes(), type=Beat)

    def beat(self) -> Beat:
        self.heartbeat.beat()
        return self.read()

    def journalled(self, kind):
        return [
            r["data"] for r in read(self.folder / "state" / "journal.jsonl") if r["type"] == kind
        ]


@pytest.fixture
def scene(tmp_path):
    scene = BeatingScene(tmp_path)
    yield scene
    scene.close()


def test_it_beats_while_the_loop_turns_and_not_otherwise(scene):
    first = scene.beat()

    scene.loop.run_until_complete(until(lambda: scene.read().seq >= first.seq + 3))

    last = scene.read()
    assert last.mono_ns > first.mono_ns
    assert last.gate_mono_ns is not None
    assert last.gate_mono_ns > first.gate_mono_ns
    assert scene.read() == last, "nobody turns the loop"


def test_a_beat_says_what_the_node_is_at(scene):
    scene.submit(scene.bracket())
    scene.judge.trip(TradingState.REDUCING, "TEST: observed=1, limit=0", 1)
    before_ns = time.monotonic_ns()

    beat = scene.beat()

    assert (beat.state, beat.positions) == ("REDUCING", {str(BTC.id): "0.1"})
    assert beat.feeds.keys() == scene.judge.limits.symbols.keys()
    assert 0 <= beat.feeds[str(BTC.id)] < 60_000
    assert before_ns <= beat.gate_mono_ns <= beat.mono_ns <= time.monotonic_ns()
    assert beat.is_user_stream_up is None, "a sandbox has none, and nobody may think it fine"
    assert not beat.is_ended


def test_a_gate_that_is_stuck_in_a_command_does_not_answer(scene):
    answered = scene.beat().gate_mono_ns

    scene.guard.gate._waiting.append("a command that never ends")
    stuck = scene.beat()
    scene.guard.gate._waiting.clear()

    assert stuck.gate_mono_ns == answered
    assert stuck.seq == scene.beat().seq - 1
    assert scene.beat().gate_mono_ns > answered


def test_a_probe_is_counted_and_journalled_nowhere(scene):
    records, tallies = scene.guard.record.journal.count, scene.judge.report()
    messages = scene.judge.messages(scene.kernel.clock.timestamp_ns())

    scene.beat()

    assert scene.guard.record.journal.count == records
    assert scene.judge.report() == tallies
    assert scene.judge.messages(scene.kernel.clock.timestamp_ns()) == messages
    assert scene.guard.record.denials_total == 0


def test_a_beat_that_cannot_be_written_is_one_alarm_until_one_succeeds(scene):
    scene.beat()
    path = scene.heartbeat.path
    scene.heartbeat.path = path / "no folder" / "heartbeat.json"

    scene.heartbeat.beat()
    scene.heartbeat.beat()

    assert [row["text"].split(":")[0] for row in scene.journalled("alarm")] == ["HEARTBEAT_FAILED"]
    assert scene.judge.state.state is TradingState.ACTIVE
    scene.heartbeat.path = path
    scene.beat()
    scene.heartbeat.path = path / "no folder" / "heartbeat.json"
    scene.heartbeat.beat()
    assert len(scene.journalled("alarm")) == 2


def test_it_beats_in_one_file_that_needs_no_new_room(scene):
    scene.beat()
    before = scene.heartbeat.path.stat()

    scene.beat()

    after = scene.heartbeat.path.stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert read_in_place(scene.heartbeat.path)["seq"] == scene.heartbeat.newest.seq
    assert [path.name for path in scene.folder.glob("heartbeat*")] == ["heartbeat.json"]


def test_a_beat_names_why_nothing_new_is_risked(scene):
    scene.judge.trip(TradingState.REDUCING, "JOURNAL_FAILED: observed=full, limit=room", 1)

    scene.beat()

    assert (scene.read().state, scene.read().causes) == ("REDUCING", ("JOURNAL_FAILED",))


@pytest.mark.parametrize("is_orderly", [True, False])
def test_the_last_beat_says_whether_the_node_had_come_to_rest(scene, is_orderly):
    scene.beat()

    scene.heartbeat.is_orderly = is_orderly
    scene.kernel.trader.stop()
    scene.loop.run_until_complete(asyncio.sleep(0))

    assert scene.read().is_ended is is_orderly
