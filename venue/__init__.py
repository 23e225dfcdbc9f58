"""A Binance USD-M Futures venue on the local machine: market, engine, wire, faults, checkers."""
