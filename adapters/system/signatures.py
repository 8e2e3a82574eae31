"""Signatures with a secret of the service."""

from __future__ import annotations

import base64
import hmac


def signature(key: bytes, signed: bytes) -> str:
    """Return the HMAC-SHA-256 of ``signed`` as URL-safe base64 (RFC 4648) without padding."""
    return base64.urlsafe_b64encode(hmac.digest(key, signed, "sha256")).rstrip(b"=").decode()
