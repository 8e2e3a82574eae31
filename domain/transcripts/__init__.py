"""What was said in a session, as its agent's worker reports it."""
