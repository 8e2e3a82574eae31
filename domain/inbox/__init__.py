"""LiveKit's webhook events, stored before they are acknowledged and then processed."""
