"""Where the venue is and how patient one is with it: what the adapter needs besides keys."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Literal, Protocol
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from risk.limits import Number, Strict

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


class Credentials(Protocol):
    """The key pair of one account; whoever implements it keeps it out of every repr."""

    @property
    def api_key(self) -> str:
        """Return the public half."""

    @property
    def api_secret(self) -> str:
        """Return the HMAC secret."""


class VenueSettings(Strict):
    """
    One Binance USD-M Futures venue; no key and no secret is part of it.

    ``local`` reaches loopback addresses and nothing else; ``demo`` and ``live`` reach the hosts that
    Binance documents for them, encrypted, and nothing else.

    """

    environment: VenueEnvironment = Field(description="which venue, and so which hosts")
    rest_url: str = Field(description="base of every REST path, no trailing slash")
    ws_url: str = Field(description="base of /public, /market and /private, no trailing slash")
    recv_window_ms: Annotated[int, Field(ge=1, le=60_000)] = Field(
        description="age at which the venue refuses a signed request, milliseconds"
    )
    http_timeout_sec: Annotated[int, Field(ge=1, le=60)] = Field(
        description="longest wait for an answer, seconds; after it the outcome is unknown"
    )
    clock_offset_ms_max: Annotated[int, Field(ge=1, le=5_000)] = Field(
        description="furthest that the local clock may be from the venue's, milliseconds"
    )
    data_silence_sec_max: Annotated[int, Field(ge=1)] = Field(
        description="longest silence of a subscribed market-data stream, seconds"
    )
    exit_reserve_ratio: Annotated[Number, Field(ge=0, lt=1)] = Field(
        description="share of the venue's rate limits kept for cancels and exits"
    )

    @model_validator(mode="after")
    def _reaches_its_own_hosts_only(self) -> VenueSettings:
        for name, schemes, hosts in (
            ("rest_url", ("http", "https"), REST_HOSTS),
            ("ws_url", ("ws", "wss"), WS_HOSTS),
        ):
            url = getattr(self, name)
            judge_url(name, url, schemes, self.environment, hosts.get(self.environment))
        return self


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
