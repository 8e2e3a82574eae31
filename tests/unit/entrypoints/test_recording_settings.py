"""RECORDINGS_URL and the bucket's variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from application.settings import RecordingBucket, RecordingFolder
from entrypoints.settings import InvalidSettings, Settings, load_settings

ONLY = (
    "RECORDINGS_URL", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
)  # fmt: skip
BUCKET = "s3://my-bucket/voice"


def settings(folder: Path, **environ: str) -> Settings:
    return load_settings(environ, folder, ONLY)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("file:///var/lib/recordings", RecordingFolder(Path("/var/lib/recordings"))),
        ("FILE:///a%20b/", RecordingFolder(Path("/a b"))),
        ("s3://my-bucket", RecordingBucket("my-bucket", "")),
        ("s3://my-bucket/a/b/", RecordingBucket("my-bucket", "a/b")),
    ],
)
def test_a_store_is_a_folder_or_a_bucket(tmp_path: Path, url: str, expected: object) -> None:
    assert settings(tmp_path, RECORDINGS_URL=url).recordings == expected
    assert settings(tmp_path).recordings is None


@pytest.mark.parametrize(
    "url",
    ["/var/lib", "file://relative", "file:///", "file:///a/../b", "file:///a?b", "s3://", "s3:///x",
     "s3://My_Bucket/x", "s3://my-bucket/a/../b", "s3://my-bucket/ä", "gs://bucket", "file:///%00"],
)  # fmt: skip
def test_anything_else_is_refused_by_name(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        settings(tmp_path, RECORDINGS_URL=url)
    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].startswith("RECORDINGS_URL must")


@pytest.mark.parametrize("endpoint", ["https://minio.example.com", "http://127.0.0.1:9000",
                                      "http://[::1]:9000", "http://localhost:9000"])  # fmt: skip
def test_an_endpoint_has_tls_but_on_this_machine(tmp_path: Path, endpoint: str) -> None:
    found = settings(tmp_path, RECORDINGS_URL=BUCKET, AWS_ENDPOINT_URL=endpoint)
    assert found.aws_endpoint_url == endpoint


@pytest.mark.parametrize("endpoint", ["http://minio:9000", "http://10.0.0.1", "ftp://x", "minio",
                                      "https://user@x", "https://x?y", "http://[x"])  # fmt: skip
def test_no_other_endpoint_is_spoken_to(tmp_path: Path, endpoint: str) -> None:
    with pytest.raises(InvalidSettings, match="AWS_ENDPOINT_URL must"):
        settings(tmp_path, RECORDINGS_URL=BUCKET, AWS_ENDPOINT_URL=endpoint)


def test_a_key_belongs_to_its_secret(tmp_path: Path) -> None:
    for name, absent in (
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
    ):
        with pytest.raises(InvalidSettings, match=f"{absent} is missing") as refused:
            settings(tmp_path, RECORDINGS_URL=BUCKET, **{name: "s3cret"})
        assert "s3cret" not in str(refused.value)
        # Other programs' variables are no concern of a service without a bucket.
        assert settings(tmp_path, **{name: "s3cret"}).recordings is None
    both = settings(
        tmp_path, RECORDINGS_URL=BUCKET, AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="s3cret"
    )
    assert "s3cret" not in repr(both)
