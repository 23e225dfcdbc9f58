"""What the client id of an order says that nobody here knows."""

import pytest

from adapters.user_events import stranger_kind
from risk.kills import DIRECT_ORDER_PREFIX


@pytest.mark.parametrize(
    ("client_id", "kind"),
    [
        ("O-20260102-030405-001-000-7", "UNAPPROVED_ORDER"),
        ("O-20260102-030405-001-000-7r2", "UNAPPROVED_ORDER"),
        ("O-20260102-030405-001-000-7:1", "UNAPPROVED_ORDER"),
        ("X-64d5a0b1c2d3e-1", "UNAPPROVED_ORDER"),
        ("P-64d5a0b1c2d3e-1", "UNAPPROVED_ORDER"),
        ("O-20260102-030405-002-000-7", "FOREIGN_ORDER"),  # another node's
        ("O-1", "FOREIGN_ORDER"),
        ("web_O-20260102-030405-001-000-7", "FOREIGN_ORDER"),
        ("X-ray", "FOREIGN_ORDER"),
        ("", "FOREIGN_ORDER"),
        (f"{DIRECT_ORDER_PREFIX}1a2b-BTCUSDT", "KILLED_DIRECT"),
        ("autoclose-1700000000123", "LIQUIDATED"),
        ("adl_autoclose", "ADL"),
    ],
)
def test_an_unknown_order_is_named_by_its_client_id(client_id, kind):
    assert stranger_kind(client_id, "001").name == kind


def test_a_tag_is_taken_as_it_is_written():
    assert stranger_kind("O-20260102-030405-001-000-7", "0.1").name == "FOREIGN_ORDER"
