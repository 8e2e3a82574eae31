"""Who is and was in a room."""
