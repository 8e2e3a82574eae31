"""Domain events: what happened to sessions and calls, and the outbox that others read it from."""
