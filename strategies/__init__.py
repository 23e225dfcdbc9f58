"""Alpha only: what to trade and when; no limits, no venue, no mode, no wall clock."""
