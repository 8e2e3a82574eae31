"""Erasing a data subject's personal data."""
