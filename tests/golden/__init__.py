"""Golden files: what callers see, compared with what the code gives now.

``ledger.json`` is no golden file but what the commands run on: rows as version 0010 of the
schema stores them, written by hand and never renewed. So the tests also show that such rows stay
readable.
"""
