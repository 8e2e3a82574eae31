"""Statistics of the ledger in a database."""
