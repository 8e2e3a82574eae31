"""The route of LiveKit's webhooks."""
