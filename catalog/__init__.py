"""Market data and instruments on disk: ingest, download, check, demo."""
