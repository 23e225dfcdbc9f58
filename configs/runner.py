"""Run a backtest from a profile to its report."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nautilus_trader.model.identifiers import InstrumentId

from actors.recorder import Recorder, RecorderConfig, sample_interval_ns
from configs.bootstrap import Backtest, build_backtest
from configs.profile import Profile
from report import artifacts
from report.page import render
from risk.install import assert_guarded

UNGUARDED = "unguarded"


class InvariantError(RuntimeError):
    """A promise of the system was broken; a person must look before anything runs again."""


def new_run_dir(out: Path, profile: Profile) -> Path:
    """Make and return a folder of its own for a run: ``<out>/<time>-<profile name>``."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")  # noqa: TID251 - names a folder, no result
    for number in range(1, 1_000):
        suffix = "" if number == 1 else f"-{number}"
        run_dir = out / f"{stamp}-{profile.name}{suffix}"
        try:
            run_dir.mkdir(parents=True)
        except FileExistsError:
            continue
        return run_dir
    raise FileExistsError(f"{out}: a thousand runs of {profile.name!r} began in the same second")


def run_backtest(profile: Profile, run_dir: Path, *, compare: bool) -> dict[str, Any]:
    """
    Run a guarded backtest and write its report.

    Parameters
    ----------
    profile : Profile
        A profile of mode ``backtest``.
    run_dir : Path
        An empty folder for the artifacts.
    compare : bool
        Whether the same run is made without the guard too, for a comparison in the report.

    Returns
    -------
    dict[str, Any]
        ``result.json`` of the guarded run.

    Raises
    ------
    ProfileError
        If the profile asks for what is not there.
    InvariantError
        If the fills break a cap or a position stood without a stop: the guard has failed.

    """
    run = _run(profile, run_dir, is_guarded=True)
    compare_dir = None
    if compare:
        compare_dir = run_dir / UNGUARDED
        _run(profile, compare_dir, is_guarded=False)
        render(compare_dir)
    render(run_dir, compare_dir)
    if run.check.breaches:
        lines = [f"  {breach}" for breach in run.check.breaches[:10]]
        raise InvariantError(
            "\n".join(["the fills of a guarded run break what the guard promises:", *lines])
        )
    return artifacts.read_result(run_dir)


def _run(profile: Profile, run_dir: Path, *, is_guarded: bool) -> artifacts.Run:
    backtest = build_backtest(profile, run_dir, is_guarded=is_guarded)
    recorder = _add_recorder(profile, backtest)
    started = time.perf_counter()
    try:
        backtest.engine.run()
        run_sec = time.perf_counter() - started
        if backtest.guard is not None:
            assert_guarded(backtest.engine.kernel, backtest.guard)
        run = artifacts.collect(
            backtest.engine,
            recorder,
            profile,
            None if backtest.guard is None else backtest.guard.report(),
            data=dataclasses.asdict(backtest.feed),
            run_sec=run_sec,
        )
    finally:
        if backtest.guard is not None:
            backtest.guard.close()
    backtest.engine.dispose()
    artifacts.write(run, run_dir)
    return run


def _add_recorder(profile: Profile, backtest: Backtest) -> Recorder:
    recorder = Recorder(
        RecorderConfig(
            instrument_ids=tuple(InstrumentId.from_str(key) for key in profile.limits.symbols),
            sample_interval_ns=sample_interval_ns(backtest.feed.first_ns, backtest.feed.last_ns),
        )
    )
    backtest.engine.add_actor(recorder)
    return recorder
