"""The ids of orders that replace one another."""

import pytest

from adapters.order_ids import OrderIds, base_of, serial_of, with_serial


@pytest.mark.parametrize(
    ("client_id", "base", "serial"),
    [
        ("O-1", "O-1", 0),
        ("O-1:1", "O-1", 1),
        ("O-1:12", "O-1", 12),
        ("O:1:2", "O:1", 2),
        ("O-1:x", "O-1:x", 0),
        (":3", ":3", 0),
        ("O-1:", "O-1:", 0),
    ],
)
def test_an_id_names_its_base_and_its_serial(client_id, base, serial):
    assert base_of(client_id) == base
    assert serial_of(client_id) == serial


def test_an_id_may_have_36_characters():
    assert with_serial("x" * 34, 1) == "x" * 34 + ":1"


def test_an_id_of_37_characters_is_refused():
    with pytest.raises(ValueError, match="37 characters, the venue takes 36"):
        with_serial("x" * 35, 1)


def test_an_order_goes_by_its_own_id_until_another_is_adopted():
    ids = OrderIds()
    assert ids.current("O-1") == "O-1"
    new = ids.new("O-1")
    assert (new, ids.current("O-1")) == ("O-1:1", "O-1")
    ids.adopt(new)
    assert ids.current("O-1") == "O-1:1"
    assert ids.is_current("O-1:1")
    assert not ids.is_current("O-1")


def test_no_id_is_given_twice():
    ids = OrderIds()
    assert [ids.new("O-1") for _ in range(3)] == ["O-1:1", "O-1:2", "O-1:3"]


def test_what_an_earlier_run_has_adopted_is_counted_on():
    ids = OrderIds()
    ids.adopt("O-1:7")
    assert ids.new("O-1") == "O-1:8"
