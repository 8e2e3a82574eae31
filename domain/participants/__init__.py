"""Who is and was in the room of a session or a call."""
