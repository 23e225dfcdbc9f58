"""The status of a live kernel before a sandbox venue, and that it never gets in the way."""

from decimal import Decimal

import msgspec
import pytest

from actors.snapshot import Snapshot
from risk.events import VenueEvent, VenueEventKind, publish_venue_event
from tests.attacks.scene import BTC, ETH, SELL
from tests.watched_kit import WatchedScene


@pytest.fixture
def scene(tmp_path):
    scene = WatchedScene(tmp_path)
    yield scene
    scene.close()


def taken(scene) -> Snapshot:
    scene.status.take()
    assert scene.status.snapshot is not None
    return scene.status.snapshot


def told(scene) -> list[tuple[str, str]]:
    return [(notice.kind, notice.text) for notice in scene.status.take_notices()]


def test_a_protected_position_is_seen_as_one(scene):
    scene.submit(scene.bracket())

    (position,) = taken(scene).positions

    assert str(position.signed_qty) == "0.1"
    assert position.cached_qty == position.signed_qty
    assert (position.is_covered, position.unprotected_sec) == (True, 0.0)
    (stop,) = position.stops
    assert (stop.status, str(stop.trigger_price), stop.distance_bps) == ("WORKING", "49500", 100.0)
    assert stop.age_sec > 0


def test_a_position_without_a_stop_counts_the_seconds_since_it_was_seen(scene):
    somebody = {"side": 1, "qty": Decimal("0.5"), "px": Decimal(2_500), "fee_usdt": Decimal(0)}
    scene.guard.gate.judge.on_fill(str(ETH.id), "not ours", **somebody, now_ns=1)

    first, second = taken(scene), taken(scene)

    assert first.positions[0].unprotected_sec == 0.0
    assert second.positions[0].unprotected_sec == (second.ts_ns - first.ts_ns) / 1e9
    assert (second.positions[0].is_covered, second.positions[0].cached_qty) == (False, 0)


def test_a_stop_that_the_venue_took_away_is_told_as_bad_news(scene):
    _, stop, _ = scene.submit(scene.bracket()).orders
    scene.status.take_notices()

    scene.client.generate_order_expired(
        stop.strategy_id, stop.instrument_id, stop.client_order_id, stop.venue_order_id, 1
    )
    scene.settle()

    expired = [notice for notice in scene.status.take_notices() if "expired" in notice.text]
    assert [(notice.kind, notice.is_bad) for notice in expired] == [("STOP", True)]


def test_held_children_and_working_orders_are_told_apart(scene):
    scene.submit(scene.bracket(SELL, "2", stop="2550", target="2400", price="2510", instrument=ETH))

    statuses = {
        order.order_type: order.status
        for order in taken(scene).orders
        if order.trigger_price or order.price
    }

    assert statuses["STOP_MARKET"] == "HELD"
    assert "WORKING" in {order.status for order in taken(scene).orders}


def test_what_happened_is_told_in_order(scene):
    scene.submit(scene.bracket())
    scene.submit(scene.bracket(qty="0.3"))
    scene.settle(49_400)

    kinds = [kind for kind, _ in told(scene)]

    assert kinds == ["ENTRY", "FILL", "STOP", "DENIED", "FILL", "EXIT"]
    assert told(scene) == []


def test_a_halt_is_told_with_its_cause_and_stands_in_the_snapshot(scene):
    scene.halt()

    snapshot = taken(scene)

    assert (snapshot.state, len(snapshot.causes)) == ("HALTED", 1)
    assert snapshot.since_ns == scene.guard.gate.judge.state.since_ns
    ((kind, text),) = told(scene)
    assert kind == "STATE"
    assert text.startswith("ACTIVE > HALTED by ")


def test_denials_are_kept_newest_first_with_their_figures(scene):
    for qty in ("0.3", "0.4"):
        scene.submit(scene.bracket(qty=qty))

    snapshot = taken(scene)

    assert snapshot.denials_total == 2
    assert [(d.reason, d.observed, d.limit) for d in snapshot.denials] == [
        ("QUANTITY_EXCEEDS_MAX_PER_ORDER", "0.4", "0.15"),
        ("QUANTITY_EXCEEDS_MAX_PER_ORDER", "0.3", "0.15"),
    ]


def test_what_a_simulated_venue_does_not_measure_is_unknown(scene):
    health = taken(scene).health

    assert [(c.kind, c.is_connected) for c in health.clients] == [("exec", True)]
    assert (health.is_user_stream_up, health.clock_offset_ms) == (None, None)
    assert (health.used_weight, health.order_counts) == (None, None)


def test_what_the_venue_tells_is_kept_and_told(scene):
    event = VenueEvent(VenueEventKind.FEED_SILENT, "31 s", "30 s", 7)

    publish_venue_event(scene.kernel.msgbus, event)

    (note,) = taken(scene).health.events
    assert (note.ts_ns, note.text) == (7, "FEED_SILENT: observed=31 s, limit=30 s")
    assert told(scene) == [("VENUE", "FEED_SILENT: observed=31 s, limit=30 s")]


def test_a_hold_is_shown_while_it_lasts(scene):
    lost = VenueEvent(VenueEventKind.USER_STREAM_LOST, "3 s", "0 s", 7)
    publish_venue_event(scene.kernel.msgbus, lost)
    during = taken(scene).hold
    publish_venue_event(scene.kernel.msgbus, lost._replace(kind=VenueEventKind.USER_STREAM_BACK))

    assert during == "USER_STREAM_LOST: observed=3 s, limit=0 s"
    assert taken(scene).hold is None


def test_a_snapshot_survives_json(scene):
    scene.submit(scene.bracket())
    snapshot = taken(scene)

    text = msgspec.json.encode(snapshot)

    assert msgspec.json.decode(text, type=Snapshot) == snapshot


def test_a_snapshot_that_fails_keeps_the_last_one_with_the_reason(scene):
    scene.submit(scene.bracket())
    before = taken(scene)
    scene.guard.gate.judge.account.symbol("no instrument").position_qty = 1

    after = taken(scene)

    assert after.ts_ns == before.ts_ns
    assert "no instrument" in after.error


def test_an_event_that_cannot_be_followed_does_not_reach_the_node(scene):
    scene.status._bare_since = None  # whatever may break inside

    entry, stop, _ = scene.submit(scene.bracket()).orders

    assert scene.position() == entry.quantity.as_decimal()
    assert scene.is_working(stop)


def test_every_breaker_is_shown_with_its_closest_approach_and_whether_it_has_tripped(scene):
    judge = scene.guard.gate.judge
    limit = judge.limits.shock.price_move_bps_max
    scene.settle(50_000)
    scene.settle(50_100)
    quiet = {line.key: line for line in taken(scene).breakers}
    judge.on_price(str(BTC.id), scene.kernel.clock.timestamp_ns(), low=1, high=2, last=Decimal(1))

    tripped = {line.key: line for line in taken(scene).breakers}

    assert quiet.keys() >= {"unrealized_loss", "daily_loss", "drawdown", "price_shock", "repeated"}
    assert (quiet["price_shock"].limit, quiet["price_shock"].is_tripped) == (limit, False)
    assert quiet["price_shock"].closest < limit < tripped["price_shock"].closest
    assert tripped["price_shock"].is_tripped
    assert not tripped["drawdown"].is_tripped
