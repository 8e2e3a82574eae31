"""The project's one version number; ``pyproject.toml`` reads it from here."""

VERSION = "0.1.0"
