"""Why a node does not run, by what has to be done about it."""

from __future__ import annotations


class RefusedError(ValueError):
    """Something must be set right by a person first; the text says what, in one sentence."""


class TemporaryError(RuntimeError):
    """The venue is away or has locked us out for a while; the same command will do later."""
