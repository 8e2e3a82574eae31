"""Where recordings are stored."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import attrs

from application.settings import RecordingBucket, RecordingFolder
from entrypoints.settings import parsers
from entrypoints.settings.variable import Problem, optional

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_PREFIX: Final = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", re.ASCII)


def parse_recordings_url(raw: str) -> RecordingFolder | RecordingBucket:
    """Return the folder or the bucket that ``raw`` names. Raises :class:`ValueError`."""
    scheme, separator, rest = raw.partition("://")
    if not raw.isprintable() or "\0" in unquote(rest) or "?" in raw or "#" in raw:
        raise ValueError("must be without '?', '#' and invisible characters.")
    if separator and scheme.lower() == "file":
        path = Path(unquote(rest))
        if not path.is_absolute() or ".." in path.parts or path == path.parent:
            raise ValueError(
                "must have three slashes and a whole path: file:///var/lib/recordings."
            )
        return RecordingFolder(path)
    if separator and scheme.lower() == "s3":
        bucket, _, prefix = rest.partition("/")
        prefix = prefix.strip("/")
        if not _BUCKET.fullmatch(bucket) or not (prefix == "" or _PREFIX.fullmatch(prefix)):
            raise ValueError(
                "must be a bucket's name and a prefix of A-Z, a-z, 0-9, '.', '_', '-' and '/': "
                "s3://my-bucket/recordings."
            )
        if any(part in (".", "..") for part in prefix.split("/")):
            raise ValueError("must have a prefix without '.' and '..'.")
        return RecordingBucket(bucket, prefix)
    raise ValueError("must be file:///path/to/folder or s3://bucket/prefix.")


def parse_endpoint(raw: str) -> str:
    """Take the address of an S3-compatible server; plain HTTP on this machine only."""
    try:
        url = urlsplit(raw)
        is_right = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        is_right = False
    if not is_right or "@" in raw or "?" in raw or "#" in raw or " " in raw:
        raise ValueError("must be an https:// address, such as https://minio.example.com.")
    return raw.rstrip("/")


def is_plain(endpoint: str) -> bool:
    """Return whether an endpoint is spoken to without TLS."""
    return endpoint.lower().startswith("http:")


def _is_loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@attrs.frozen(kw_only=True, slots=False)
class RecordingSettings:
    """Where recordings are stored, None if nowhere, and for how long; the bucket's credentials."""

    recordings: RecordingFolder | RecordingBucket | None = optional(
        "RECORDINGS_URL", parse_recordings_url, None
    )
    recording_retention: timedelta | None = optional(
        "RECORDING_RETENTION_DAYS", parsers.days(0.01, 36500), None
    )
    aws_access_key_id: str | None = optional("AWS_ACCESS_KEY_ID", parsers.credential, None)
    aws_secret_access_key: str | None = optional(
        "AWS_SECRET_ACCESS_KEY", parsers.credential, None, secret=True
    )
    aws_session_token: str | None = optional(
        "AWS_SESSION_TOKEN", parsers.credential, None, secret=True
    )
    aws_region: str | None = optional("AWS_REGION", parsers.credential, None)
    aws_default_region: str | None = optional("AWS_DEFAULT_REGION", parsers.credential, None)
    aws_endpoint_url: str | None = optional("AWS_ENDPOINT_URL", parse_endpoint, None)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the combination of variables."""
        endpoint = self.aws_endpoint_url
        is_bucket = isinstance(self.recordings, RecordingBucket)
        if is_bucket and endpoint is not None and is_plain(endpoint) and not _is_loopback(endpoint):
            yield Problem(
                frozenset({"AWS_ENDPOINT_URL", "RECORDINGS_URL"}),
                "AWS_ENDPOINT_URL must begin with https://: recordings would cross the network "
                "unencrypted. Only on this machine may it be http://.",
            )
        given = {
            "AWS_ACCESS_KEY_ID": self.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.aws_secret_access_key,
        }
        absent = [name for name, value in given.items() if value is None]
        if is_bucket and len(absent) == 1:
            (other,) = given.keys() - {*absent}
            yield Problem(frozenset(given), f"{absent[0]} is missing: it belongs to {other}.")
