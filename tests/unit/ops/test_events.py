"""Like notices within a minute are one line; from the minute's end on, another."""

import pytest

from ops.events import EventLog
from tests.ops_kit import notice


@pytest.mark.parametrize(("at", "counts"), [(59.999, [2]), (60, [1, 1])])
def test_a_line_takes_what_comes_within_its_minute(at, counts):
    log = EventLog()

    log.add(notice("DENIED", "first", at=0, group="A"))
    log.add(notice("DENIED", "second", at=at, group="A"))

    assert [line.count for line in log.lines] == counts
    assert log.lines[-1].notice.text == "second"


def test_what_has_no_group_is_never_counted_together():
    log = EventLog()

    for _ in range(2):
        log.add(notice("FILL", "the same"))

    assert [line.count for line in log.lines] == [1, 1]
