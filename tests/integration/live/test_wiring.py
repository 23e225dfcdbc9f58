"""A node that is built from a profile has all that looks after it, and every strategy is contained."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.config import LoggingConfig

from configs.nodes import build_node, venue_settings
from configs.profile import load_profile
from tests.hop_kit import Keys

PROFILES = Path(__file__).parents[3] / "configs" / "profiles"
NOWHERE = {"rest_url": "http://127.0.0.1:9", "ws_url": "ws://127.0.0.1:9"}
"""Where nobody listens: nothing is sent by building a node."""


def built(mode: str, state_dir: Path, look: Any) -> None:
    """Build the node of a shipped profile, look at it, and take it down."""

    async def main() -> None:
        profile = load_profile(PROFILES / f"{mode}.toml")
        keys = None if mode == "paper" else Keys("k" * 64, "s" * 64)
        live = build_node(
            profile, venue_settings(profile, **NOWHERE), keys,
            state_dir=state_dir, logging=LoggingConfig(log_level="OFF"),
        )  # fmt: skip
        try:
            look(live, {type(actor).__name__ for actor in live.node.trader.actors()})
        finally:
            live.guard.close()
            live.node.kernel.dispose()

    asyncio.run(main())


def test_a_node_at_a_venue_has_heart_dead_man_and_an_eye_on_its_settings(tmp_path):
    def look(live: Any, actors: set[str]) -> None:
        assert {"Heartbeat", "DeadMan", "ConfigWatch"} <= actors
        assert live.safety.heartbeat.path == tmp_path / "heartbeat.json"
        assert live.safety.dead_man is not None

    built("rehearsal", tmp_path, look)


def test_a_paper_node_has_a_heart_and_arms_nothing(tmp_path):
    def look(live: Any, actors: set[str]) -> None:
        assert "Heartbeat" in actors
        assert {"DeadMan", "ConfigWatch"}.isdisjoint(actors)
        assert live.safety.dead_man is None

    built("paper", tmp_path, look)


@pytest.mark.parametrize("mode", ["paper", "rehearsal"])
def test_every_strategy_is_contained(tmp_path, mode):
    def look(live: Any, _actors: set[str]) -> None:
        strategies = live.node.trader.strategies()
        assert strategies
        for strategy in strategies:
            assert {"handle_quote_tick", "handle_event", "_handle_own_event"} <= vars(
                strategy
            ).keys()

    built(mode, tmp_path, look)
