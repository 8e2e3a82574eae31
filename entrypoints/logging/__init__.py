"""Log lines: how they are rendered, masked and written."""
