"""LiveKit's rooms, participants and dispatches, and the ports to them."""
