"""``make run``: the service and a local LiveKit."""
