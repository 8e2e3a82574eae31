"""SIP trunks and dispatch rules at LiveKit, which belong to the whole deployment."""
