"""``ops kill --direct``: the kill switch with a key alone."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from configs.cli import BAD_CONFIGURATION, say
from configs.secrets import Credentials, SecretsError, load_credentials, load_redis_password
from ops.direct.block import Block
from ops.direct.options import Patience, level_of
from ops.direct.report import DirectReport
from ops.direct.run import run_direct
from ops.direct.where import NothingHereError, Where, WhereError, from_node, from_options
from risk.kills import Kill, KillError, Scope, plain_words

if TYPE_CHECKING:
    from actors.redis_link import RedisLink


def find_where(state: Path | None, environment: str | None, venue: str | None) -> Where:
    """
    Return the venue: as it was named, else as node.json has it.

    Raises
    ------
    WhereError
        If there is neither.

    """
    if environment is not None or venue is not None:
        where = from_options(environment, venue, state)
        return _with_node(where, state)
    if state is None:
        raise WhereError("nothing says where: give --state DIR, --environment or --venue URL")
    return from_node(state)


def _with_node(where: Where, state: Path | None) -> Where:
    """Add what node.json knows beside the address, if it can be read."""
    try:
        known = from_node(state) if state is not None else where
    except WhereError:
        return where
    return known._replace(environment=where.environment, rest_url=where.rest_url)


def find_keys(where: Where, named: Path | None) -> Credentials | None:
    """
    Return the account's keys: from the file named, else the node's, else as `load_credentials` looks.

    Raises
    ------
    SecretsError
        If there are none.

    """
    if where.is_paper:
        return None
    return load_credentials(where.environment, path=named or where.keys)


def find_redis(where: Where, named: Path | None) -> RedisLink | None:
    """
    Return the node's Redis, None where it has none.

    Raises
    ------
    SecretsError
        If its password is badly kept.

    """
    if where.redis_url is None:
        return None
    from configs.redis_link import redis_link  # Only who has a Redis waits for its package.

    loss = where.profile["kill"].get("redis_loss")
    return redis_link(where.redis_url, loss, load_redis_password(path=named or where.keys))


def kill_direct(args: argparse.Namespace) -> int:
    """
    Carry out ``ops kill --direct``; return the exit code.

    *args* has ``level``, ``scope``, ``reason``, ``by`` and ``state`` beside `add_options`.

    """
    tell = partial(say, is_error=args.json)
    try:
        scope = Scope.parse(args.scope)
    except KillError as e:
        return _refuse(e)
    by, reason = plain_words(args.by), plain_words(args.reason)
    kill = Kill(level_of(args.level, {}), scope, by, reason, "direct", time.time_ns())
    try:
        where = find_where(args.state, args.environment, args.venue)
        kill = where.aim(kill._replace(level=level_of(args.level, where.profile)))
        keys = find_keys(where, args.keys)
        where = where._replace(redis=find_redis(where, args.keys))
        report = asyncio.run(
            run_direct(
                where, keys, kill.level, kill.scope, by=by, reason=reason,
                patience=Patience(args.deadline, args.quiet_time), say=tell,
            )
        )  # fmt: skip
    except NothingHereError as e:
        return _refuse(e)
    except (WhereError, SecretsError) as e:
        tell(f"{Block(args.state, kill).told()}; nothing is canceled or closed")
        return _refuse(e)
    _tell_end(report, is_json=args.json)
    return report.exit_code


def _refuse(error: ValueError) -> int:
    say(f"bad configuration: {error}", is_error=True)
    return BAD_CONFIGURATION


def _tell_end(report: DirectReport, *, is_json: bool) -> None:
    if is_json:
        say(json.dumps(report.row()))
    elif report.is_verified:
        say(f"DONE: {report.level} of {report.scope}, verified twice")
    elif report.is_true:
        say(
            f"LATCHED, AND NO MORE: {report.level} of {report.scope}; the account is simulated in "
            "the node, which obeys while it lives: nothing at a venue to cancel, close or verify"
        )
    else:
        say(
            f"NOT DONE: {len(report.left)} things are left (above). Run it again; close by hand at "
            "the venue; revoke the key if somebody keeps sending."
        )
