"""A script of a run, and what a check says of it."""

import pytest

from tests.wire_log_kit import Script


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def judged(script, tmp_path):
    """Return what a check says of the script, breach by breach."""

    def of(check, **papers):
        return [breach.text for breach in check(script.run(tmp_path, **papers)).breaches]

    return of
