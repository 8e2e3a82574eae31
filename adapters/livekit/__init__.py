"""LiveKit's server API, in the messages of ``livekit-api``."""
