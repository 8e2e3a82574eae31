"""Comparing the ledger with LiveKit, and repairing what differs."""
