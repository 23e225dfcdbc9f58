"""A sandbox node that is watched and recorded: for the tests of status, view and live report."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors.live_recorder import LiveRecorder, attach_recorder
from actors.status import StatusActor, attach_status
from configs.profile import Profile, parse_profile
from report.live import write_live_report
from risk.events import VenueEvent, VenueEventKind, publish_venue_event
from tests.attacks.live_scene import LiveScene
from tests.attacks.scene import ETH, LIMITS, SELL
from tests.report_kit import PROFILE_FILE

SAMPLE_NS = 3_600_000_000_000
"""Longer than any test: samples are taken when a test asks for one."""


def watched_profile() -> Profile:
    """Return a profile with the limits of the scene."""
    table = tomllib.loads(PROFILE_FILE.read_text(encoding="utf-8"), parse_float=Decimal)
    table["name"] = "sandbox"
    table["limits"] = LIMITS.model_dump()
    return parse_profile(table, source="the scene")


class WatchedScene(LiveScene):
    """
    A live kernel before a sandbox venue, with a status and a recorder.

    Parameters
    ----------
    root : Path
        Where the run's folder and the guard's state go.
    run : str
        Name of the run's folder.

    """

    status: StatusActor
    recorder: LiveRecorder

    def __init__(self, root: Path, *, run: str = "run") -> None:
        self.run_dir = root / run
        self.run_dir.mkdir(parents=True)
        super().__init__(root / "state", guarded=True)

    def _start(self) -> None:
        assert self.guard is not None
        profile = watched_profile()
        self.status = attach_status(self.kernel, self.guard, profile)
        self.recorder = attach_recorder(
            self.kernel, self.guard, profile, self.run_dir, sample_interval_ns=SAMPLE_NS
        )
        super()._start()

    def sample(self) -> None:
        """Let the recorder take a sample."""
        self.recorder.sample(self.kernel.clock.timestamp_ns())

    def report(self) -> dict[str, Any]:
        """Stop the node and write its report."""
        self.kernel.trader.stop()
        self._drain()
        return write_live_report(self.recorder)


def trade(scene: WatchedScene) -> None:
    """Make a losing round trip, a denial, and leave an order at the venue."""
    scene.sample()
    scene.settle(50_010)  # no sample is due, and the entry is compared with it all the same
    scene.submit(scene.bracket())
    scene.submit(scene.bracket(qty="0.3"))
    scene.settle(50_100)
    scene.sample()
    scene.settle(49_400)
    scene.submit(scene.bracket(SELL, "2", stop="2550", target="2400", price="2510", instrument=ETH))
    publish_venue_event(
        scene.kernel.msgbus, VenueEvent(VenueEventKind.FEED_SILENT, "31 s", "30 s", 1)
    )
    scene.sample()
