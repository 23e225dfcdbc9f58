"""A node whose state is lost, torn, changed or held by another does not trade, and says why."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest

from risk.folder_lock import hold
from risk.journal_end import end_path
from risk.state_dir import StateDir
from run_live import main
from tests.live_kit import ONE_TRADE, PROFILES, ROOT, finish, start, stop_when
from tests.venue_kit import VenueProcess, venue_process

TRADER = "REHEARSAL-001"


class Crashed(NamedTuple):
    """A venue with a protected position, and the state of the node that was killed holding it."""

    venue: VenueProcess
    folder: Path

    @property
    def arguments(self) -> tuple[Any, ...]:
        keys = self.folder / "main.env"
        return (
            "--profile", self.folder / "own.toml", "--venue", self.venue.rest_url, "--keys", keys,
        )  # fmt: skip

    def truth(self) -> dict[str, Any]:
        with urlopen(f"{self.venue.control_url}/truth") as answer:
            return json.load(answer)["main"]

    def state_in(self, folder: Path) -> StateDir:
        """Return a copy of the dead node's state, for one test."""
        shutil.copytree(self.folder / "state", folder / "state")
        return StateDir(folder / "state" / TRADER)


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashed]:
    folder = tmp_path_factory.mktemp("crashed")
    text = (PROFILES / "rehearsal.toml").read_text()
    (folder / "own.toml").write_text(text.split("[[strategies]]")[0] + ONE_TRADE)
    ready, done = asyncio.Event(), asyncio.Event()
    found: list[VenueProcess] = []

    async def serve() -> None:
        account = ("--account", "main:usdt=100000:leverage=5:margin=CROSSED", "--seed", "7")
        async with venue_process(*account, keys_dir=folder) as venue:
            found.append(venue)
            ready.set()
            await done.wait()

    with ThreadPoolExecutor(1) as pool, asyncio.Runner() as runner:
        loop = runner.get_loop()
        serving = pool.submit(loop.run_until_complete, serve())
        asyncio.run_coroutine_threadsafe(ready.wait(), loop).result(60)
        scene = Crashed(found[0], folder)
        process = start(folder, *scene.arguments)
        figures = folder / "state" / TRADER / "figures.json"
        stop_when(
            process,
            lambda: scene.truth()["open_algos"] and '"entries":[[' in figures.read_text(),
            signal.SIGKILL,
        )
        process.communicate()
        yield scene
        loop.call_soon_threadsafe(done.set)
        serving.result(30)


@pytest.fixture(autouse=True)
def fresh_minute(crashed: Crashed) -> None:
    """Let no test be told to come again later for what the ones before have asked."""
    headers = {"Content-Type": "application/json"}
    with urlopen(Request(f"{crashed.venue.control_url}/forget_uses", b"{}", headers)) as answer:
        assert json.load(answer) == {"forgotten": True}


@pytest.fixture
def refused(
    crashed: Crashed,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], str]:
    """Start it in this process, where it must be refused, send nothing and leave nothing behind."""

    def start_refused() -> str:
        monkeypatch.chdir(tmp_path)
        before = crashed.truth()
        places = ("--out", tmp_path / "runs", "--state", tmp_path / "state")

        words = (*crashed.arguments, *places, "--duration", "5")  # should it not be refused
        code = main([str(word) for word in words])

        told = capsys.readouterr().err.strip()
        assert code == 78, told
        after = crashed.truth()
        for held in ("positions", "open_orders", "open_algos"):
            assert [row.get("amt") for row in after[held]] == [r.get("amt") for r in before[held]]
        assert not list((tmp_path / "runs").glob("*"))
        return told

    return start_refused


def torn(state: StateDir) -> None:
    state.journal.write_bytes(state.journal.read_bytes()[:-20])


def cut(state: StateDir) -> None:
    lines = state.journal.read_bytes().splitlines(keepends=True)
    state.journal.write_bytes(b"".join(lines[:-1]))


def changed(state: StateDir) -> None:
    lines = state.journal.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"ts":1', b'"ts":2')
    state.journal.write_bytes(b"".join(lines))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def looped(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


DAMAGES: dict[str, tuple[Callable[[StateDir], Any], str]] = {
    "journal_torn": (torn, "journal.jsonl: line {last}: is torn or is no record"),
    "journal_cut": (cut, "journal.jsonl: ends with record {left}, the last one was {last}"),
    "journal_changed": (changed, "journal.jsonl: line 2: was changed: its hash does not fit"),
    "journal_gone": (lambda s: s.journal.unlink(), "journal.jsonl: is gone, it had {last} records"),
    "journal_a_folder": (lambda s: a_folder(s.journal), "journal.jsonl"),
    "journal_end_torn": (
        lambda s: end_path(s.journal).write_bytes(b""), "journal.end: does not tell where",
    ),
    "latch_empty": (lambda s: s.latch.write_text(""), "latch.json: is no latch"),
    "latch_garbage": (lambda s: s.latch.write_bytes(b"\xff\x00{]"), "latch.json: is no latch"),
    "latch_a_folder": (lambda s: a_folder(s.latch), "latch.json: is no latch"),
    "latch_unreadable": (lambda s: looped(s.latch), "latch.json: is no latch"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_refused_and_the_file_and_the_rule_are_named(
    crashed: Crashed, tmp_path: Path, refused: Callable[[], str], damage: str
) -> None:
    do, words = DAMAGES[damage]
    state = crashed.state_in(tmp_path)
    last = len(state.journal.read_bytes().splitlines())
    do(state)
    before = {p.name: p.is_file() and p.read_bytes() for p in state.path.iterdir()}

    told = refused()

    assert words.format(last=last, left=last - 1) in told
    assert str(state.path) in told
    after = {p.name: p.is_file() and p.read_bytes() for p in state.path.iterdir()}
    after.pop("node.lock"), before.pop("node.lock")
    assert after == before


def test_a_second_node_on_one_state_folder_is_refused(
    crashed: Crashed, tmp_path: Path, refused: Callable[[], str]
) -> None:
    state = crashed.state_in(tmp_path)

    with hold(state.path):
        told = refused()

    assert f"{state.path}/node.lock: is held by process {os.getpid()}: one state folder" in told


def test_a_node_of_another_state_folder_is_told_of_a_strangers_position_and_orders(
    crashed: Crashed, refused: Callable[[], str]
) -> None:
    truth = crashed.truth()

    told = refused()

    amount = truth["positions"][0]["amt"].rstrip("0")
    assert f"foreign positions: BTCUSDT {amount}" in told
    assert f"foreign orders: BTCUSDT {truth['open_algos'][0]['client_algo_id']}" in told


GONE = {
    "figures": (lambda s: s.figures.unlink(), "FIGURES_UNREADABLE"),
    "latch": (lambda s: s.latch.unlink(), "LATCH_MISSING"),
}


@pytest.mark.parametrize("file", GONE)
def test_what_is_gone_and_may_have_been_a_halt_halts_and_keeps_the_stop(
    crashed: Crashed, tmp_path: Path, file: str
) -> None:
    lose, cause = GONE[file]
    state = crashed.state_in(tmp_path)
    stops = crashed.truth()["open_algos"]
    lose(state)
    process = start(tmp_path, *crashed.arguments)

    stop_when(process, lambda: is_up(state, process.pid), 0)
    latch = json.loads(state.latch.read_text())
    assert latch["state"] == "HALTED"
    assert latch["causes"][0].startswith(f"{cause}: observed=")
    assert json.loads(state.heartbeat.read_text())["state"] == "HALTED"

    stop_when(process, lambda: resumed(state), signal.SIGKILL)
    process.communicate()

    assert json.loads(state.latch.read_text())["state"] == "ACTIVE"
    assert crashed.truth()["open_algos"] == stops


def resumed(state: StateDir) -> bool:
    """Let a person resume; return whether the node has."""
    said = ("--by", "ann", "--reason", "I have looked", "--yes", "--take-losses")
    words = (sys.executable, "-m", "ops", "resume", "--state", str(state.path), *said)
    return subprocess.run(words, cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_a_whole_state_starts_and_takes_its_position_over(crashed: Crashed, tmp_path: Path) -> None:
    state = crashed.state_in(tmp_path)
    stops = crashed.truth()["open_algos"]
    process = start(tmp_path, *crashed.arguments)
    stop_when(process, lambda: is_up(state, process.pid))

    run = finish(process, tmp_path)

    assert (run.code, run.stderr) == (0, ""), run.stdout
    assert run.final_state["trading_state"] == "ACTIVE"
    opened = [json.loads(line) for line in state.journal.read_text().splitlines()]
    found = [row["data"]["positions"] for row in opened if row["type"] == "opened"]
    assert [row["strategy_id"] for row in found[-1]] == ["OneTrade-000"]
    assert stops[0]["client_algo_id"] in state.journal.read_text()
    assert crashed.truth()["positions"] == []


def is_up(state: StateDir, pid: int) -> bool:
    try:
        return json.loads(state.heartbeat.read_text())["pid"] == pid
    except (OSError, ValueError):
        return False
