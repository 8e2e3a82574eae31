"""Routes of what sessions have used."""
