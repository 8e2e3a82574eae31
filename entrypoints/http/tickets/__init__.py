"""The route of tickets."""
