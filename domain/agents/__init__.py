"""Agents: their configuration, and saved agents with their versions."""
