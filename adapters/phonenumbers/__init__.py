"""Telephone numbers, by the phonenumbers library."""
