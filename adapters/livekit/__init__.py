"""LiveKit's server API, by livekit-api."""
