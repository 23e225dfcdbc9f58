"""The venue's transport: HTTP, WebSockets, signatures, limits, clock and log; no trading rules."""
