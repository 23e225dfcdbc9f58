"""Keys on the screen: asked first, pulled by the second press."""

import pytest

from ops.kill_keys import CONFIRM_SEC, KillKeys
from risk.kills import KillLevel


class Screen:
    def __init__(self):
        self.pulled = []
        self.time = 100.0
        self.keys = KillKeys(self.pulled.append, lambda: self.time)

    def press(self, *keys):
        for key in keys:
            self.keys.press(key)
        return self.pulled


@pytest.mark.parametrize(
    ("key", "level"),
    [("r", KillLevel.REDUCE), ("h", KillLevel.HALT), ("f", KillLevel.FLATTEN)],
)
def test_a_key_asks_and_the_same_key_once_more_pulls(key, level):
    screen = Screen()

    assert screen.press(key) == []
    assert screen.keys.question == f"{level.name}? press {key} once more within 5 s"
    assert screen.press(key) == [level]
    assert screen.keys.question is None


def test_another_key_in_between_forgets_the_question():
    assert Screen().press("f", "x", "f") == []
    assert Screen().press("f", "h", "f") == []
    assert Screen().press("h", "f", "f") == [KillLevel.FLATTEN]


def test_the_second_press_counts_up_to_its_last_moment_and_not_after():
    in_time, late = Screen(), Screen()
    in_time.press("f")
    late.press("f")

    in_time.time += CONFIRM_SEC
    late.time += CONFIRM_SEC + 0.001

    assert in_time.press("f") == [KillLevel.FLATTEN]
    assert late.press("f") == []
    assert late.press("f") == [KillLevel.FLATTEN]


def test_a_third_press_only_asks_again():
    assert Screen().press("h", "h", "h") == [KillLevel.HALT]
