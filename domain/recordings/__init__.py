"""Recordings: where they are stored, who may play them, and how they are erased."""
