"""
Where the venue's prices come from.

A source tells quotes, depth, trades and marks: ``GeneratedMarket``, ``CatalogMarket``,
``RecordedMarket``. The player plays ``Market(source, intervals)``, which adds the bars and lets
prices be bent (``Market.bend``).
"""
