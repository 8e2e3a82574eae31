"""A stand-in for a LiveKit server, on a real socket, for development and tests."""
