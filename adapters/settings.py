"""Where the venue is and how patient one is with it: what the adapter needs besides keys."""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import Field, model_validator

from adapters.addresses import REST_HOSTS, WS_HOSTS, VenueEnvironment, judge_url
from risk.limits import Number, Strict


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
