"""Draw a snapshot on a terminal of any size from 80 x 24; nothing is said by color alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from actors.snapshot import BreakerLine, Health, OrderLine, PositionLine, Snapshot, Use
from ops.events import EventLog, Line
from ops.words import (
    NEAR_SHARE,
    UNKNOWN,
    breaker_words,
    clock_time,
    connection_words,
    cover_words,
    exact,
    feed_words,
    nearest_breaker,
    number,
    protection_words,
    short_symbol,
    significant,
    span,
    use_figures,
    use_label,
)

WIDE = 120
TALL = 36
POSITIONS_SHOWN = 5
ORDERS_SHOWN = 12
EVENTS_MIN = 5
"""So many rows are left for events before breakers are listed one by one."""
Section = tuple[RenderableType, int]
"""Something to draw, and how many rows it takes."""
_STATE_STYLES = {
    "ACTIVE": "bold white on green",
    "REDUCING": "bold black on yellow",
    "HALTED": "bold white on red",
}
_IN_DOUBT = frozenset({"UNRESOLVED", "LOST"})
_BAR = 10


def screen(
    snapshot: Snapshot | None, events: EventLog, width: int, height: int, keys: str = ""
) -> RenderableType:
    """Return the whole screen, *width* x *height* characters; *keys*: what else can be pressed."""
    if snapshot is None:
        return Text("waiting for the node's first snapshot ...", style="dim")
    sections = [
        _header(snapshot),
        _positions(snapshot, width),
        _limits(snapshot, width),
        _venue(snapshot),
    ]
    if height >= TALL:
        sections.insert(2, _orders(snapshot.orders))
    left = height - sum(rows for _, rows in sections) - 1
    listed, rows = _breakers(snapshot.breakers)
    if height >= TALL and left - rows >= EVENTS_MIN:
        sections.insert(4, (listed, rows))
        left -= rows
    layout = Layout()
    layout.split_column(
        *(Layout(content, size=rows) for content, rows in sections),
        Layout(_events(events, max(1, left - 1)), ratio=1),
        Layout(_footer(snapshot, keys), size=1),
    )
    return layout


def _title(text: str, style: str = "bold") -> Rule:
    return Rule(Text(text, style=style), align="left", style="dim")


# -- header ---------------------------------------------------------------------------------------


def _header(snapshot: Snapshot) -> Section:
    up = span((snapshot.ts_ns - snapshot.started_ns) / 1e9)
    first = Text.assemble(
        (snapshot.name, "bold"),
        f"  {snapshot.mode}  {snapshot.trader_id} at {snapshot.venue}  ",
        (f"{clock_time(snapshot.ts_ns)} UTC, up {up}", "dim"),
    )
    state = Text.assemble(
        (f" {snapshot.state} ", _STATE_STYLES[snapshot.state]),
        f" since {clock_time(snapshot.since_ns)}   equity ",
        (number(snapshot.equity_usdt), "bold"),
        f" USDT, balance {number(snapshot.balance_usdt)}",
    )
    reasons = [f" because {cause}" for cause in snapshot.causes]
    reasons += [
        f" killed {kill.level} of {kill.scope}: {kill.reason}"
        for kill in snapshot.kills
        if kill.scope != "account"
    ]
    if snapshot.hold is not None:
        reasons.insert(0, f" NEW RISK WAITS: {snapshot.hold}")
    lines = [first, state, *(Text(reason, style="bold") for reason in reasons)]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines[:5]), min(len(lines), 5)


def _order_counts(orders: Sequence[OrderLine]) -> Text:
    flying = sum(order.status == "IN_FLIGHT" for order in orders)
    lost = sum(order.status in _IN_DOUBT for order in orders)
    held = sum(order.status == "HELD" for order in orders)
    working = len(orders) - flying - lost - held
    text = Text(f"orders: {working} at the venue, {flying} in flight, {held} held, ")
    return text.append(f"{lost} unresolved", style="bold red" if lost else "")


# -- positions and orders -------------------------------------------------------------------------


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="dim")
    for name, justify in columns:
        table.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]
    return table


def _positions(snapshot: Snapshot, width: int) -> Section:
    words = protection_words(snapshot.protection)
    if not snapshot.positions:
        return Group(_title(f"Positions{words}"), Text("flat", style="dim")), 2
    columns = [
        ("symbol", "left"), ("quantity", "right"), ("entry", "right"), ("price", "right"),
        ("PnL", "right"), ("stop", "right"), ("away bps", "right"), ("protection", "left"),
    ]  # fmt: skip
    if width >= WIDE:
        columns += [("mark", "right"), ("stop age", "right"), ("stop order", "left")]
    table = _table(*columns)
    # What is not protected comes first.
    ordered = sorted(snapshot.positions, key=lambda position: position.is_covered)
    for position in ordered[:POSITIONS_SHOWN]:
        table.add_row(*_position_cells(position, width))
    title = _title(f"Positions{_more(len(ordered), POSITIONS_SHOWN)}{words}")
    return Group(title, table), 2 + min(len(ordered), POSITIONS_SHOWN)


def _more(total: int, shown: int) -> str:
    return f" ({shown} of {total})" if total > shown else ""


def _position_cells(position: PositionLine, width: int) -> list[Text]:
    pnl = position.unrealized_usdt
    stop = min(position.stops, key=lambda s: abs(s.distance_bps or 1e9), default=None)
    away = None if stop is None else stop.distance_bps
    cells = [
        Text(short_symbol(position.instrument_id), style="bold"),
        Text(f"{position.signed_qty.normalize():+f}"),
        Text(significant(position.entry_px)),
        Text(significant(position.price)),
        Text(UNKNOWN) if pnl is None else Text(f"{pnl:+.2f}", style="green" if pnl >= 0 else "red"),
        Text("none", style="bold red") if stop is None else Text(significant(stop.trigger_price)),
        Text("-" if away is None else f"{away:.0f}"),
        _protection(position, width),
    ]
    if width >= WIDE:
        age = None if stop is None else stop.age_sec
        cells += [
            Text(significant(position.mark_px)),
            Text("-" if age is None else span(age)),
            Text("-" if stop is None else f"{stop.status} {stop.client_order_id}"),
        ]
    return cells


def _protection(position: PositionLine, width: int) -> Text:
    """Say whether it is protected and known; where there is little room, the worse of the two."""
    wrong = [] if position.is_covered else [cover_words(position)]
    if position.cached_qty != position.signed_qty:
        engine = f": the engine has {position.cached_qty.normalize():+f}"
        wrong.append("BOOKS DIFFER" + (engine if width >= WIDE else ""))
    if not wrong:
        return Text("covered", style="green")
    return Text(", ".join(wrong if width >= WIDE else wrong[:1]), style="bold white on red")


def _orders(orders: Sequence[OrderLine]) -> Section:
    if not orders:
        return Group(_title("Orders"), Text("none", style="dim")), 2
    table = _table(
        ("status", "left"), ("symbol", "left"), ("side", "left"), ("quantity", "right"),
        ("type", "left"), ("price", "right"), ("trigger", "right"), ("age", "right"),
        ("strategy", "left"), ("order", "left"),
    )  # fmt: skip
    ordered = sorted(orders, key=lambda order: order.status not in _IN_DOUBT)
    for order in ordered[:ORDERS_SHOWN]:
        table.add_row(
            Text(order.status, style="bold red" if order.status in _IN_DOUBT else ""),
            short_symbol(order.instrument_id),
            order.side,
            exact(order.leaves_qty),
            order.order_type,
            "-" if order.price is None else exact(order.price),
            "-" if order.trigger_price is None else exact(order.trigger_price),
            "-" if order.age_sec is None else span(order.age_sec),
            order.strategy_id,
            order.client_order_id,
        )
    title = _title(f"Orders{_more(len(ordered), ORDERS_SHOWN)}")
    return Group(title, table), 2 + min(len(ordered), ORDERS_SHOWN)


# -- limits ---------------------------------------------------------------------------------------


def _limits(snapshot: Snapshot, width: int) -> Section:
    right = (*snapshot.losses, *snapshot.rates)
    both = Table.grid(expand=True, padding=(0, 2, 0, 0))
    both.add_column(ratio=1)
    both.add_column(ratio=1)
    both.add_row(_uses(snapshot.exposure, width), _uses(right, width))
    told = ": worst-case exposure, losses and messages" if width >= WIDE else ""
    is_tripped = any(line.is_tripped for line in snapshot.breakers)
    style = "bold red" if is_tripped else "bold"
    title = _title(f"Limits{told}{_breaker_title(snapshot.breakers)}", style)
    return Group(title, both), 1 + max(len(snapshot.exposure), len(right))


def _breaker_title(breakers: Sequence[BreakerLine]) -> str:
    """Say of the breaker that is nearest to its limit how near; where there is room, all are listed."""
    nearest = nearest_breaker(breakers)
    if nearest is None:
        return f"; breakers {UNKNOWN}"
    words = breaker_words(nearest)
    return f"; TRIPPED: {words}" if nearest.is_tripped else f"; nearest breaker: {words}"


def _breakers(breakers: Sequence[BreakerLine]) -> Section:
    both = Table.grid(expand=True, padding=(0, 2, 0, 0))
    both.add_column(ratio=1, no_wrap=True)
    both.add_column(ratio=1, no_wrap=True)
    cells = [_breaker(line) for line in breakers]
    half = (len(cells) + 1) // 2
    for first, second in zip_longest(cells[:half], cells[half:], fillvalue=Text()):
        both.add_row(first, second)
    return Group(_title("Breakers"), both), 1 + half


def _breaker(line: BreakerLine) -> Text:
    words = breaker_words(line)
    if line.is_tripped:
        return Text(f"{words} TRIPPED", style="bold red")
    return Text(words, style="bold yellow" if line.observed is None else "")


def _uses(uses: Iterable[Use], width: int) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    for use in uses:
        cells = [Text(use_label(use)), _bar(use), _share(use)]
        if width >= WIDE:
            cells.append(Text(use_figures(use), style="dim"))
        table.add_row(*cells)
    return table


def _bar(use: Use) -> Text:
    if use.share is None:
        return Text("?" * _BAR, style="bold yellow")
    filled = min(_BAR, round(max(use.share, 0.0) * _BAR))
    return Text.assemble(("█" * filled, _use_style(use)), ("░" * (_BAR - filled), "dim"))


def _share(use: Use) -> Text:
    if use.share is None:
        return Text(UNKNOWN, style="bold yellow")
    mark = "" if use.share < NEAR_SHARE else (" !!" if use.share > 1 else " !")
    return Text(f"{use.share:.0%}{mark}", style=_use_style(use))


def _use_style(use: Use) -> str:
    share = use.share or 0.0
    if share < NEAR_SHARE:
        return "green"
    return "bold red" if share > 1 else "bold yellow"


# -- venue ----------------------------------------------------------------------------------------


def _venue(snapshot: Snapshot) -> Section:
    health = snapshot.health
    first = Text(f"{connection_words(health)}; {feed_words(health)}; {_stream(health)}")
    second = Text(f"{_clock(health)}; {_budget(health)}")
    third = Text.assemble(
        _order_counts(snapshot.orders), f"; journal {snapshot.journal_records} records"
    )
    if snapshot.journal_error is not None:
        third.append(f" BROKEN: {snapshot.journal_error}", style="bold red")
    for line in (first, second, third):
        line.no_wrap, line.overflow = True, "ellipsis"
        line.highlight_words(
            ["DOWN", "STALE", "no price of", "REFUSED", "BANNED"], style="bold red"
        )
        line.highlight_words([UNKNOWN], style="bold yellow")
    return Group(_title("Venue"), first, second, third), 4


def _stream(health: Health) -> str:
    words = {True: "up", False: "DOWN", None: UNKNOWN}
    return f"user stream {words[health.is_user_stream_up]}"


def _clock(health: Health) -> str:
    offset = health.clock_offset_ms
    return f"clock {UNKNOWN if offset is None else f'{offset:+z.1f} ms'}"


def _budget(health: Health) -> str:
    if health.used_weight is None:
        return f"weight {UNKNOWN}"
    used, limit = health.used_weight
    counts = ", ".join(f"{u}/{m} in {w}" for w, (u, m) in (health.order_counts or {}).items())
    words = f"weight {used}/{limit}; orders {counts or UNKNOWN}"
    if not health.refused_until_ns:
        return words
    refusal = "BANNED" if health.is_banned else "REFUSED"
    return f"{refusal} until {clock_time(health.refused_until_ns)}; {words}"


# -- events ---------------------------------------------------------------------------------------


def _events(events: EventLog, rows: int) -> RenderableType:
    newest = sorted(events.lines, key=lambda line: line.notice.ts_ns)[: -rows - 1 : -1]
    lines = [_event(line) for line in newest] or [Text("nothing yet", style="dim")]
    return Group(_title("Last events"), *lines)


def _event(line: Line) -> Text:
    notice = line.notice
    style = "bold red" if notice.is_bad else ("yellow" if notice.kind == "DENIED" else "cyan")
    times = f"{line.count} x " if line.count > 1 else ""
    return Text.assemble(
        (clock_time(notice.ts_ns), "dim"), " ", (f"{notice.kind:<8}", style), f" {times}{notice.text}",
        no_wrap=True, overflow="ellipsis",
    )  # fmt: skip


def _footer(snapshot: Snapshot, keys: str) -> Text:
    text = Text("q or Ctrl-C: stop gracefully", style="dim")
    if keys:
        text.append(f"   {keys}", style="bold white on red" if "?" in keys else "dim")
    if snapshot.error is not None:
        text = Text(f"THE STATUS IS OLD: {snapshot.error}", style="bold white on red")
    return text
