"""Routes of the console: its files, and its sessions."""
