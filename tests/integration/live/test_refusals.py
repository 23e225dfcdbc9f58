"""What must not start does not start: one clear sentence, the documented exit code, no order."""

import asyncio
import json
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

import pytest

from run_live import main
from tests.live_kit import PROFILES, run_live
from tests.venue_kit import VenueProcess, venue_process

REHEARSAL = PROFILES / "rehearsal.toml"
SYMBOLS = "BTCUSDT,ETHUSDT,SOLUSDT"
ACCOUNTS = {
    "main": "usdt=100000:leverage=5:margin=CROSSED",
    "lever": "usdt=100000:leverage=20:margin=CROSSED",
    "isolated": "usdt=100000:leverage=5:margin=ISOLATED",
    "poor": "usdt=0:leverage=5:margin=CROSSED",
}


class Scene(NamedTuple):
    """A venue that runs already, and where its key files lie."""

    url: str
    control_url: str
    keys: Path

    def arguments(self, account: str = "main") -> tuple[Any, ...]:
        keys = self.keys / f"{account}.env"
        return ("--profile", REHEARSAL, "--venue", self.url, "--keys", keys)

    def log(self, kind: str) -> list[dict[str, Any]]:
        with urlopen(f"{self.control_url}/log?tail=100000") as answer:
            return [row for row in json.load(answer) if row["kind"] == kind]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("venue")
    ready, done = asyncio.Event(), asyncio.Event()
    found: list[VenueProcess] = []

    async def serve() -> None:
        accounts = [a for name, terms in ACCOUNTS.items() for a in ("--account", f"{name}:{terms}")]
        async with venue_process("--symbols", SYMBOLS, *accounts, keys_dir=folder) as venue:
            found.append(venue)
            ready.set()
            await done.wait()

    with ThreadPoolExecutor(1) as pool, asyncio.Runner() as runner:
        loop = runner.get_loop()
        serving = pool.submit(loop.run_until_complete, serve())
        asyncio.run_coroutine_threadsafe(ready.wait(), loop).result(60)
        yield Scene(found[0].rest_url, found[0].control_url, folder)
        loop.call_soon_threadsafe(done.set)
        serving.result(30)


class Refuse:
    """Run the command in this process, where it must be refused and leave nothing behind."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys
        self.stdout = ""

    def __call__(self, *arguments: Any, code: int = 78) -> str:
        places = ("--out", self._folder / "runs", "--state", self._folder / "state")
        try:
            exit_code = main([str(argument) for argument in (*arguments, *places)])
        except SystemExit as e:
            exit_code = e.code
        told = self._capsys.readouterr()
        self.stdout = told.out
        assert exit_code == code, told.err
        assert not any((self._folder / "runs").glob("*"))
        return told.err.strip()


@pytest.fixture
def refuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Refuse:
    monkeypatch.chdir(tmp_path)
    return Refuse(tmp_path, capsys)


def test_a_check_shows_every_item_and_trades_nothing(tmp_path: Path, scene: Scene) -> None:
    lines = (scene.keys / "main.env").read_text().splitlines()
    env = dict(line.split("=", 1) for line in lines)  # As good as a file.

    run = run_live(tmp_path, "--profile", REHEARSAL, "--venue", scene.url, "--check", env=env)

    assert (run.code, run.stderr, run.run_dir) == (0, "", None)
    lines = [line for line in run.stdout.splitlines() if line.startswith(("ok", "FAILED"))]
    assert len(lines) == 24
    assert all(line.startswith("ok ") for line in lines)
    requests = scene.log("request")
    assert {row["method"] for row in requests} == {"GET"}
    assert scene.log("connect") == []


@pytest.mark.parametrize(
    ("account", "item"),
    [("lever", "leverage: BTCUSDT 20"), ("isolated", "margin type: BTCUSDT ISOLATED"),
     ("poor", "balance: 0")],
)  # fmt: skip
def test_an_account_that_does_not_fit_the_profile_is_refused(
    refuse: Refuse, scene: Scene, account: str, item: str
) -> None:
    assert f"  {item}" in refuse(*scene.arguments(account), "--duration", 5)
    assert {row["method"] for row in scene.log("request")} == {"GET"}


def test_a_check_that_fails_shows_what_was_seen_and_what_was_required(
    refuse: Refuse, scene: Scene
) -> None:
    refuse(*scene.arguments("lever"), "--check")

    (line,) = [line for line in refuse.stdout.splitlines() if line.startswith("FAILED")]
    assert "BTCUSDT 20, ETHUSDT 20, SOLUSDT 20  (required: 5 for each symbol)" in line


# -- the monthly drill: keys that are gone, badly kept, wrong or revoked ---------------------------


def spoil(keys: Path, how: str) -> None:
    key, secret = keys.read_text().splitlines()
    match how:
        case "missing":
            keys.unlink()
        case "empty":
            keys.write_text("")
        case "open to others":
            keys.chmod(0o644)
        case "a link":
            keys.rename(keys.with_suffix(".real"))
            keys.symlink_to(keys.with_suffix(".real"))
        case "tracked by git":
            subprocess.run(["git", "-C", keys.parent, "init", "-q"], check=True)
            subprocess.run(["git", "-C", keys.parent, "add", keys.name], check=True)
        case "a wrong secret":
            keys.write_text(f"{key}\n{secret[:-4]}xxxx\n")
        case "revoked":
            keys.write_text(f"{key[:-4]}xxxx\n{secret}\n")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("missing", "cannot be read: No such file or directory"),
        ("empty", "BINANCE_API_KEY is missing from the key file"),
        ("open to others", "has mode 0644, must be 0600"),
        ("a link", "must be a regular file"),
        ("tracked by git", "is tracked by git: revoke these keys"),
        ("a wrong secret", "the venue refuses the keys (code -1022"),
        ("revoked", "the venue refuses the keys (code -2015"),
    ],
)
def test_keys_that_cannot_be_used_end_in_one_sentence(
    tmp_path: Path, refuse: Refuse, scene: Scene, how: str, sentence: str
) -> None:
    keys = tmp_path / "main.env"
    keys.write_text((scene.keys / "main.env").read_text())
    keys.chmod(0o600)
    values = [line.split("=", 1)[1] for line in keys.read_text().splitlines()]
    spoil(keys, how)

    text = refuse("--profile", REHEARSAL, "--venue", scene.url, "--keys", keys)

    assert sentence in text
    assert len(text.splitlines()) == 1
    assert not any(value in text for value in values)


@pytest.mark.parametrize("mode", ["demo", "live"])
def test_a_venue_with_money_is_not_even_asked_without_keys(refuse: Refuse, mode: str) -> None:
    assert refuse("--profile", PROFILES / f"{mode}.toml") == (
        f"bad configuration: no keys for the {mode} environment: set BINANCE_{mode.upper()}_API_KEY "
        f"and BINANCE_{mode.upper()}_API_SECRET, or write both into .env or a file given by --keys "
        "(mode 0600)"
    )


# -- the rest of the exit codes --------------------------------------------------------------------


def test_a_venue_that_is_down_is_for_later(refuse: Refuse, scene: Scene) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        text = refuse(*scene._replace(url=url).arguments(), code=75)

    assert text.startswith(f"not now: {url} does not answer")
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--profile", "nowhere.toml"), "nowhere.toml: cannot be read"),
        (("--profile", PROFILES / "backtest.toml"), "run_live.py runs every other mode"),
        (("--profile", REHEARSAL, "--venue", "http://192.0.2.1:80"), "must name a loopback address"),
        (("--profile", REHEARSAL, "--venue", "elsewhere"), "must be scheme://host:port"),
        (("--profile", REHEARSAL, "--keys", "some.env"), "a venue that is started here makes its own"),
        (("--profile", REHEARSAL, "--duration", "0"), "must be a number of seconds > 0"),
        (
            ("--profile", PROFILES / "demo.toml", "--venue", "http://127.0.0.1:1"),
            "environment = 'demo' has its own addresses",
        ),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_used_are_told(
    refuse: Refuse, arguments: tuple[Any, ...], sentence: str
) -> None:
    assert sentence in refuse(*arguments)
