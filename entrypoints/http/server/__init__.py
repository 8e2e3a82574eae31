"""The server process: listening, draining, limits of files and memory."""
