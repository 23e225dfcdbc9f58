"""
Judges of a run, from the wire log alone.

They share no code with the engine that made the run, nor with the node that it judges: what an
order, a fill or a stop is, they read from the log as any client would.
"""
