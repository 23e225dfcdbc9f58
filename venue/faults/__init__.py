"""
What goes wrong at a venue, by name, on demand, by chance or by script.

``FaultBook(seed)`` is what the wire asks (its hooks); ``bind`` gives it the wire, the exchange
and the market; ``add`` arms a fault; ``load_scenario`` reads a TOML file of them. ``python -m
venue.faults`` prints all faults as a table.
"""
