"""Where the venue's prices come from: a recording, a catalog, or a seed."""
