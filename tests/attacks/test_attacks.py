"""Every attack, on every kernel on which it exists, beside the stock engine and with its twin."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.attacks.attack import BACKTEST, LIVE, Attack
from tests.attacks.backtest_scene import BacktestScene
from tests.attacks.live_scene import LiveScene
from tests.attacks.scene import Scene
from tests.attacks.table import ATTACKS, page

SCENES: dict[str, type[Scene]] = {BACKTEST: BacktestScene, LIVE: LiveScene}
DOCS = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"


@contextmanager
def staged(kernel: str, state_dir: Path, *, guarded: bool) -> Iterator[Scene]:
    scene = SCENES[kernel](state_dir, guarded=guarded)
    try:
        yield scene
    finally:
        scene.close()


def _cases(kernels_of: Callable[[Attack], tuple[str, ...]]) -> list[object]:
    return [
        pytest.param(attack, kernel, id=f"{attack.run.__name__}-{kernel}")
        for attack in ATTACKS
        for kernel in kernels_of(attack)
    ]


@pytest.mark.parametrize(("attack", "kernel"), _cases(lambda a: a.kernels))
def test_the_guard_stops_the_attack_and_says_why(
    attack: Attack, kernel: str, tmp_path: Path
) -> None:
    with staged(kernel, tmp_path, guarded=True) as scene:
        got_through = attack.run(scene)

        answers = {text.split(":", 1)[0] for text in scene.answers()}
    assert got_through == (kernel in attack.open_on)
    assert not attack.answer or attack.answer in answers


@pytest.mark.parametrize(("attack", "kernel"), _cases(lambda a: a.stock_kernels))
def test_the_stock_engine_does_what_the_table_says(
    attack: Attack, kernel: str, tmp_path: Path
) -> None:
    with staged(kernel, tmp_path, guarded=False) as scene:
        got_through = attack.run(scene)

    assert got_through != attack.stock_stops


TWINS = sorted(
    {(a.twin, k) for a in ATTACKS for k in a.kernels}, key=lambda t: (t[0].__name__, t[1])
)


@pytest.mark.parametrize(
    ("twin", "kernel"), [pytest.param(t, k, id=f"{t.__name__}-{k}") for t, k in TWINS]
)
def test_the_legitimate_twin_passes(
    twin: Callable[[Scene], bool], kernel: str, tmp_path: Path
) -> None:
    with staged(kernel, tmp_path, guarded=True) as scene:
        assert twin(scene)


def test_the_page_of_the_attacks_is_up_to_date() -> None:
    assert DOCS.read_text(encoding="utf-8") == page()
