"""The exchange itself: pure and deterministic, without clock, socket or file."""
