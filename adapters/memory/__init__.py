"""The ledger in the process's memory: nothing survives a restart."""
