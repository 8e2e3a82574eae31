"""Tables, migrations and backups."""
