"""The domain, with fakes for its ports."""
