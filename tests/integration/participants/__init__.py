"""Participants over HTTP."""
