"""The life of a listen key."""

import pytest

from venue.engine.errors import VenueError
from venue.wire.listen_keys import ListenKeys

NOW = 1_700_000_000_000
HOUR = 3_600_000


@pytest.fixture
def keys():
    return ListenKeys(HOUR, seed=1)


def test_asking_again_while_it_lives_gives_the_same_key_another_hour(keys):
    key = keys.create("main", NOW)

    assert keys.create("main", NOW + HOUR - 1) == key
    assert keys.account(key, NOW + 2 * HOUR - 2) == "main"


def test_a_key_lives_an_hour_and_not_a_millisecond_more(keys):
    key = keys.create("main", NOW)

    assert keys.account(key, NOW + HOUR - 1) == "main"
    assert keys.account(key, NOW + HOUR) is None


def test_extending_keeps_the_key_alive(keys):
    key = keys.create("main", NOW)

    assert keys.extend("main", NOW + HOUR - 1) == key
    assert keys.account(key, NOW + HOUR) == "main"


def test_what_is_over_cannot_be_extended(keys):
    keys.create("main", NOW)

    with pytest.raises(VenueError) as caught:
        keys.extend("main", NOW + HOUR)
    assert caught.value.code == -1125


def test_after_its_death_comes_another_key(keys):
    key = keys.create("main", NOW)

    assert keys.create("main", NOW + HOUR) != key


def test_expiring_tells_once_whose_key_ended(keys):
    key = keys.create("main", NOW)
    keys.create("second", NOW + 1)

    assert keys.expire(NOW + HOUR) == [("main", key)]
    assert keys.expire(NOW + HOUR) == []


def test_two_accounts_have_two_keys(keys):
    assert keys.create("main", NOW) != keys.create("second", NOW)


def test_a_refusing_venue_gives_and_extends_none(keys):
    keys.create("main", NOW)
    keys.refused = VenueError(-1000, "An unknown error occurred.", 503)

    with pytest.raises(VenueError):
        keys.create("main", NOW)
    with pytest.raises(VenueError):
        keys.extend("main", NOW)
