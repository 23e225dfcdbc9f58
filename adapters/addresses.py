"""Which hosts are whose: where requests and keys of an environment may go."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

VenueEnvironment = Literal["local", "demo", "live"]

REST_HOSTS: dict[VenueEnvironment, frozenset[str]] = {
    "demo": frozenset({"demo-fapi.binance.com", "testnet.binancefuture.com"}),
    "live": frozenset({"fapi.binance.com"}),
}
REST_URLS: dict[VenueEnvironment, str] = {
    "demo": "https://demo-fapi.binance.com",
    "live": "https://fapi.binance.com",
}
"""Where each environment is reached by who is told its name alone (Binance: General Info)."""
WS_HOSTS: dict[VenueEnvironment, frozenset[str]] = {
    "demo": frozenset({"fstream.binancefuture.com", "demo-fstream.binance.com"}),
    "live": frozenset({"fstream.binance.com"}),
}
"""Binance's own hosts for USD-M Futures (Binance: General Info, WebSocket Market Streams)."""


def judge_url(
    name: str,
    url: str,
    schemes: tuple[str, str],
    environment: VenueEnvironment,
    hosts: frozenset[str] | None,
) -> None:
    """
    Refuse an address that keys must not go to.

    Raises
    ------
    ValueError
        If it is not loopback (``local``, *hosts* None) or not encrypted to one of *hosts*.

    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{name} = {url!r} must be scheme://host:port and nothing more")
    if hosts is None:
        if parts.scheme not in schemes or not _is_loopback(host):
            raise ValueError(
                f"{name} = {url!r}: environment = 'local' must name a loopback address "
                f"({schemes[0]}://127.0.0.1:PORT)"
            )
    elif parts.scheme != schemes[1] or host not in hosts or parts.port not in {None, 443}:
        allowed = ", ".join(f"{schemes[1]}://{h}" for h in sorted(hosts))
        raise ValueError(f"{name} = {url!r}: environment = {environment!r} must be {allowed}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False  # A name could lead anywhere.
