"""Agents: their configuration."""
