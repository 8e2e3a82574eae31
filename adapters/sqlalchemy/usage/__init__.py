"""What sessions have used, in a database: its tables and its repository."""
