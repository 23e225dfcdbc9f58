"""Who is filled first: the better price, and at one price the market that was there before."""

from decimal import Decimal

from tests.engine_kit import BTC, other_of, scene


def test_a_better_price_of_another_account_is_taken_before_the_market():
    venue = scene(other=100_000)
    venue.quote("60000.00", "60000.50")
    other_of(venue).order("SELL", "0.1", "60000.20")

    venue.order("BUY", "0.2")

    prices = [t["price"] for t in venue.ask("GET", "userTrades", symbol=BTC)]
    assert prices == ["60000.20", "60000.50"]
    assert other_of(venue).amt() == Decimal("-0.1")


def test_at_one_price_the_market_is_taken_first():
    venue = scene(other=100_000)
    venue.quote("60000.00", "60000.50", 10, "0.1")
    other_of(venue).order("SELL", "0.1", "60000.50")

    venue.order("BUY", "0.1")
    assert other_of(venue).amt() == 0
    venue.order("BUY", "0.1")

    assert other_of(venue).amt() == Decimal("-0.1")
