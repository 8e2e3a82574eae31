"""Routes of SIP trunks and dispatch rules."""
