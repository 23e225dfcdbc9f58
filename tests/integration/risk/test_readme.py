"""The README's own lines, run as they stand there."""

import re
from pathlib import Path

import pytest

from backtest.engine import build_engine
from catalog.instruments import builtin_instruments
from configs.profile import load_profile
from risk.install import GuardError, assert_guarded

ROOT = Path(__file__).resolve().parents[3]
PROFILE = ROOT / "configs" / "profiles" / "backtest.toml"


def test_the_five_lines_of_the_readme_guard_a_kernel(tmp_path, monkeypatch):
    block = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    engine = build_engine(load_profile(PROFILE), [builtin_instruments()["BTCUSDT-PERP.BINANCE"]])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    names = {"engine": engine}

    exec(block[1], names)  # the README is ours

    assert (tmp_path / "state" / "QUANTMIND-001" / "journal.jsonl").exists()
    names["guard"].close()
    engine.dispose()


def test_a_kernel_without_the_guard_is_refused(tmp_path):
    profile = load_profile(PROFILE)
    btc = builtin_instruments()["BTCUSDT-PERP.BINANCE"]
    bare, other = build_engine(profile, [btc]), build_engine(profile, [btc])
    from risk.install import install_guard

    guard = install_guard(other.kernel, profile.limits, state_dir=tmp_path)

    with pytest.raises(GuardError, match="install_guard was not called"):
        assert_guarded(bare.kernel, guard)

    guard.close()
    bare.dispose()
    other.dispose()
