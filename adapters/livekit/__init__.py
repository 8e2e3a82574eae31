"""LiveKit's server API, by the ``livekit-api`` SDK."""
