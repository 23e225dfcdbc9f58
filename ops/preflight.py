"""The pre-flight: every item alone can refuse the start, and nothing in it changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console

from adapters.settings import VenueSettings
from configs.profile import Profile
from configs.secrets import DEFAULT_FILE, Credentials
from ops.checks import account, machine, symbols
from ops.checks.item import Facts, Item
from ops.errors import RefusedError
from ops.questions import UnansweredError, ask

Check = Callable[[Facts], Item]

EVERYWHERE: tuple[tuple[str, Check], ...] = (
    ("environment", machine.environment),
    ("clock offset", machine.clock_offset),
    ("filters", symbols.filters),
    ("smallest order", symbols.limits_fit),
    ("limits", machine.limits),
    ("journal", machine.journal),
    ("kill", machine.kill),
    ("disk", machine.disk),
    ("key files", machine.key_files),
)
AT_A_VENUE: tuple[tuple[str, Check], ...] = (
    ("key rights", account.key_rights),
    ("account", account.can_trade),
    ("position mode", account.position_mode),
    ("asset mode", account.asset_mode),
    ("fee asset", account.fee_asset),
    ("trading lock", account.trading_lock),
    ("order rate", account.order_rate),
    ("margin type", symbols.margin_type),
    ("leverage", symbols.leverage),
    ("brackets", symbols.brackets),
    ("balance", account.balance),
    ("foreign positions", account.foreign_positions),
    ("foreign orders", account.foreign_orders),
)
"""What a paper node, which sends nothing anywhere, does not need."""


async def gather(
    profile: Profile,
    settings: VenueSettings,
    credentials: Credentials | None,
    *,
    state_dir: Path,
    key_file: Path | None,
    folder: Path = Path(),
) -> Facts:
    """
    Ask the venue, and return what the items are judged by.

    Raises
    ------
    RefusedError
        If the venue refuses the keys.
    TemporaryError
        If it does not answer.

    """
    answers = await ask(settings, credentials)
    default = folder / DEFAULT_FILE
    found = {path for path in (key_file, default if default.exists() else None) if path is not None}
    return Facts(profile, settings, answers, state_dir, tuple(sorted(found)))


def preflight(facts: Facts) -> list[Item]:
    """Judge every item of the mode; one that cannot be judged has failed."""
    checks = EVERYWHERE if facts.profile.mode == "paper" else (*EVERYWHERE, *AT_A_VENUE)
    return [_judged(name, check, facts) for name, check in checks]


def _judged(name: str, check: Check, facts: Facts) -> Item:
    try:
        return check(facts)
    except UnansweredError as e:
        return Item(name, is_ok=False, observed=str(e), required="an answer")
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as e:
        observed = f"{type(e).__name__}: {e}"
        return Item(name, is_ok=False, observed=observed, required="an answer that can be read")


def show(items: Iterable[Item], console: Console) -> None:
    """Print a line for each item."""
    for item in items:
        verdict = "[green]ok    [/]" if item.is_ok else "[bold red]FAILED[/]"
        console.print(verdict, end=" ", highlight=False)
        console.print(
            f"{item.name:<18} {item.observed}  (required: {item.required})",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


def refuse_failed(items: Iterable[Item]) -> None:
    """
    Refuse to go on where an item failed.

    Raises
    ------
    RefusedError
        With every failed item.

    """
    failed = [
        f"{item.name}: {item.observed} (required: {item.required})"
        for item in items
        if not item.is_ok
    ]
    if failed:
        raise RefusedError("the pre-flight failed:\n" + "\n".join(f"  {line}" for line in failed))


def confirmation(facts: Facts) -> str:
    """Return what a person must say before real money is traded: account and limits."""
    return f"{facts.profile.trader_id} {machine.limits_hash(facts)}"
