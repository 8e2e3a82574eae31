"""Session reports that workers send: received, matched with sessions, and kept."""
