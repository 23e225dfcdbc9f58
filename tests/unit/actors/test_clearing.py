"""How often a kill tries what the venue refuses."""

import pytest

from actors.clearing import pause_after

MS = 1_000_000


@pytest.mark.parametrize(
    ("tries", "pause_ms"),
    [(0, 250), (1, 250), (8, 250), (9, 1_000), (28, 1_000), (29, 5_000), (100_000, 5_000)],
)
def test_it_is_tried_at_once_for_two_seconds_then_every_second_then_every_five(tries, pause_ms):
    assert pause_after(tries) == pause_ms * MS
