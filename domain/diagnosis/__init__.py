"""Check whether telephony is set up, from LiveKit's trunks to this service's webhooks."""
