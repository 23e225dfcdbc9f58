"""The venue's command line and its announcement."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from venue.config import AccountConfig, ConfigError, VenueConfig, parse_account

if TYPE_CHECKING:
    from collections.abc import Callable

    from venue.server import Venue

BAD_CONFIGURATION = 78

DESCRIPTION = """\
A Binance USD-M Futures venue on this machine: REST, WebSocket streams, matching, margin,
liquidation and funding, for rehearsals and tests of any Binance client. It needs no network and
holds no real money. The WebSocket API (ws-fapi) is not served: orders go by REST.
"""

EPILOG = """\
examples:
  python -m venue                                  a market of its own, one account of 100000 USDT
  python -m venue --market catalog:data --start 2024-07-18 --speed 10
  python -m venue --market still --speed step --seed 1        moved by POST /control/... alone
  python -m venue --account main:usdt=5000:leverage=3 --account second:usdt=100:margin=ISOLATED

control (JSON, 127.0.0.1 alone): GET state, truth?account=, log?tail=, faults; POST step {"n":1},
play_until {"ts":MS}, speed {"speed":2}, market {"symbol":"BTCUSDT","price":"60000"},
fault {"name":...}, forget_uses {} (of the request weight),
shutdown {}
"""

POINT_AT_IT = """\
Local Binance USD-M venue (process {pid}); Ctrl-C ends it.
  REST       {rest}
  WebSocket  {ws}   with /public, /market or /private in front of /ws and /stream
  control    {control}
  keys       {keys}

Point a client at it:
  NautilusTrader  BinanceDataClientConfig(base_url_http="{rest}", base_url_ws="{ws}/market", ...)
                  BinanceExecClientConfig(base_url_http="{rest}", base_url_ws_stream="{ws}/private", ...)
                  books and quotes travel on "{ws}/public"; with --unrouted all, base_url_ws="{ws}"
                  serves every stream on one address
  ccxt            exchange = ccxt.binanceusdm({{..., "options": {{"fetchCurrencies": False}}}})
                  exchange.urls["api"]["fapiPublic"] = "{rest}/fapi/v1", "fapiPublicV2" with /v2,
                  "fapiPublicV3" with /v3; "fapiPrivate", "fapiPrivateV2", "fapiPrivateV3" likewise
  Binance's own   ConfigurationRestAPI(api_key=..., api_secret=..., base_path="{rest}")
                  ConfigurationWebSocketStreams(stream_url="{ws}")
  curl            curl {rest}/fapi/v1/exchangeInfo
"""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The command line, checked."""

    config: VenueConfig
    announce: str
    exit_with_parent: bool


class _Parser(argparse.ArgumentParser):
    """Answers bad usage with one sentence and the exit code of a bad configuration."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_CONFIGURATION, f"{self.prog}: {message}\n")


def read_arguments(argv: list[str]) -> Arguments:
    """Return what *argv* asks for; on bad usage say it in one sentence and exit with 78."""
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        config = VenueConfig(
            host=given.host,
            port=given.port,
            market=given.market,
            symbols=given.symbols,
            start_ms=given.start,
            end_ms=given.end,
            speed=given.speed,
            bar_rest_ms=given.bar_rest_ms,
            seed=given.seed,
            accounts=tuple(given.account or [AccountConfig()]),
            keys_dir=given.keys_dir,
            wire_log=given.wire_log,
            scenario=given.scenario,
            unrouted=given.unrouted,
        )
    except ConfigError as error:
        parser.error(str(error))
    return Arguments(config, given.announce, given.exit_with_parent)


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m venue",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="where to listen (default %(default)s)")
    add("--port", type=_whole, default=0, help="0, the default, lets the system choose")
    add(
        "--market",
        default="generated",
        metavar="KIND",
        help="generated (default), still, catalog:PATH or recording:PATH[,PATH]",
    )
    add(
        "--symbols",
        type=lambda text: tuple(text.upper().split(",")),
        default=("BTCUSDT", "ETHUSDT", "SOLUSDT"),
        metavar="A,B",
        help="default BTCUSDT,ETHUSDT,SOLUSDT",
    )
    add("--start", type=_iso_ms, metavar="ISO", help="first moment to play, UTC")
    add("--end", type=_iso_ms, metavar="ISO", help="last moment to play, UTC")
    add("--speed", type=_speed, default=1.0, metavar="1|N|step", help="default 1, as recorded")
    add("--bar-rest-ms", type=_whole, default=0, metavar="N",
        help="rest after each closed bar of a faster market (default 0)")  # fmt: skip
    add("--seed", type=_whole, help="same market, engine and keys each time")
    add(
        "--account",
        action="append",
        type=_told(parse_account),
        metavar="SPEC",
        help="NAME[:usdt=N][:bnb=N][:leverage=N][:margin=CROSSED|ISOLATED][:hedge=yes]; "
        "may be repeated (default main:usdt=100000:leverage=5)",
    )
    add("--keys-dir", type=Path, metavar="DIR", help="where to put one key file for each account, mode 0600 "
        "(default a folder that is removed at the end)")  # fmt: skip
    add("--wire-log", type=Path, metavar="FILE", help="a JSON line for all that crosses the wire")
    add("--scenario", type=Path, metavar="FILE", help="a TOML file of faults")
    add("--unrouted", choices=("public", "all"), default="public",
        help="what /ws and /stream carry without a route: public streams, as Binance does since "
        "2026-04-23 (default), or everything")  # fmt: skip
    add("--announce", choices=("text", "json"), default="text", help="the first line(s) printed")
    add("--exit-with-parent", action="store_true", help="end when standard input is closed")
    return parser


def announce(venue: Venue, form: str) -> str:
    """Return what the command prints first: a line of JSON, or a page for people."""
    paths = {name: str(path.resolve()) for name, path in venue.key_files.items()}
    if form == "json":
        return json.dumps(
            {
                "rest_url": venue.rest_url,
                "ws_url": venue.ws_url,
                "control_url": venue.control_url,
                "pid": os.getpid(),
                "accounts": paths,
            }
        )
    return POINT_AT_IT.format(
        pid=os.getpid(),
        rest=venue.rest_url,
        ws=venue.ws_url,
        control=venue.control_url,
        keys="\n             ".join(f"{name}: {path}" for name, path in paths.items()),
    )


def _told(parse: Callable[[str], AccountConfig]) -> Callable[[str], AccountConfig]:
    """Let argparse repeat what a ConfigError says."""

    def read(text: str) -> AccountConfig:
        try:
            return parse(text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _speed(text: str) -> float:
    if text == "step":
        return 0.0
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is neither step nor above 0 and at most 10000")
    return speed


def _iso_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO date or time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000)
