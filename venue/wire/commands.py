"""What a client may say on a stream connection, and the venue's replies."""

from __future__ import annotations

from typing import Any, Protocol, TypeGuard

import msgspec

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_UNKNOWN = f"Invalid request: unknown variant %s, expected one of {', '.join(METHODS)}"

type Id = int | str


class Board(Protocol):
    """The subscriptions of one connection."""

    streams: list[str]
    wrapped: bool

    def subscribe(self, streams: list[str]) -> bool:
        """Add *streams*; return False, and add none, when the connection would have too many."""
        ...

    def unsubscribe(self, streams: list[str]) -> None:
        """Remove *streams*, those that are there."""
        ...


def reply(board: Board, text: str) -> bytes:
    """Carry out a client's message and return the reply."""
    return msgspec.json.encode(_reply(board, text))


def _reply(board: Board, text: str) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return _error(3, "Invalid JSON: expected value at line 1 column 1")
    if not isinstance(message, dict) or "method" not in message:
        return _error(2, "Invalid request: missing field `method` at line 1 column 1")
    number = message.get("id")
    if not _is_id(number):
        return _error(2, "Invalid request: request ID must be an unsigned integer")
    method, params = message["method"], message.get("params", [])
    if method not in METHODS:
        return _error(2, _UNKNOWN % method, number)
    if not isinstance(params, list):
        return _error(2, "Invalid request: params must be a list", number)
    if method in ("SET_PROPERTY", "GET_PROPERTY"):
        return _property(board, method, params, number)
    if not all(isinstance(stream, str) for stream in params):
        return _error(2, "Invalid request: stream name must be a string", number)
    return _streams(board, method, params, number)


def _is_id(number: Any) -> TypeGuard[Id]:
    """Return whether this is an id: documented are unsigned integers; the official client sends text."""
    if isinstance(number, str):
        return 0 < len(number) <= 36
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0


def _streams(board: Board, method: str, streams: list[str], number: Id) -> dict[str, Any]:
    if method == "LIST_SUBSCRIPTIONS":
        return {"result": list(board.streams), "id": number}
    if method == "UNSUBSCRIBE":
        board.unsubscribe(streams)
    elif not board.subscribe(streams):
        return _error(2, "Invalid request: too many streams", number)
    return {"result": None, "id": number}


def _property(board: Board, method: str, params: list[Any], number: Id) -> dict[str, Any]:
    if not params or params[0] != "combined":
        return _error(0, "Unknown property", number)
    if method == "GET_PROPERTY":
        return {"result": board.wrapped, "id": number}
    if len(params) != 2 or not isinstance(params[1], bool):
        return _error(1, "Invalid value type: expected Boolean", number)
    board.wrapped = params[1]
    return {"result": None, "id": number}


def _error(code: int, text: str, number: Id | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {"error": {"code": code, "msg": text}}
    if number is not None:
        answer["id"] = number
    return answer
