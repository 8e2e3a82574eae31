"""deploy/ and the Dockerfile agree, and scripts/check_manifests.py notices where they do not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts.check_manifests import exposure_problems, problems
from tests.service import PROJECT

KUBERNETES = "deploy/kubernetes/backend-livekit.yaml"
UNIT = "deploy/systemd/backend-livekit.service"
COMPOSE = "deploy/compose.yaml"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that are compared, to be changed."""
    shutil.copytree(PROJECT / "deploy", tmp_path / "deploy")
    shutil.copyfile(PROJECT / "Dockerfile", tmp_path / "Dockerfile")
    return tmp_path


def test_the_files_agree(copy: Path) -> None:
    assert problems() == []
    assert problems(copy) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("Dockerfile", "EXPOSE 4000", "EXPOSE 4001", "EXPOSE 4001 differ"),
        (KUBERNETES, "containerPort: 4000", "containerPort: 4001", "containerPort"),
        (KUBERNETES, "targetPort: http", "targetPort: web", "Service leads to port web"),
        (KUBERNETES, "path: /health, port: http", "path: /health, port: 80", "asks port 80"),
        (KUBERNETES, "{protocol: TCP, port: http}", "{protocol: TCP, port: 80}", "lets in"),
        (KUBERNETES, "        - {protocol: TCP, port: http}", "        []", "lets in []"),
        (KUBERNETES, "{protocol: UDP, port: 53}", "{protocol: UDP, port: 54}", "DNS (UDP)"),
        (KUBERNETES, "{protocol: TCP, port: 5432}", "{protocol: TCP, port: 5433}", "PostgreSQL"),
        (KUBERNETES, "{protocol: TCP, port: 443}", "{protocol: TCP, port: 444}", "TLS"),
        (KUBERNETES, "{protocol: TCP, port: 7880}", "{protocol: TCP, port: 7881}", "from LiveKit"),
        (KUBERNETES, "{protocol: TCP, port: 4318}", "{protocol: TCP, port: 4317}", "OTLP"),
        (KUBERNETES, "kind: NetworkPolicy", "kind: NetworkPolicies", "NetworkPolicies"),
        (KUBERNETES, "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "directions"),
        (KUBERNETES, "podSelector:\n    matchLabels: {app: b",
         "podSelector:\n    matchLabels: {app: x", "NetworkPolicy is not about"),
        (KUBERNETES, "limits: {memory: 320Mi}", "limits: {cpu: 1}", "no memory limit"),
        (KUBERNETES, "limits: {memory: 320Mi}", "limits: {memory: 512Mi}", "MemoryMax"),
        (KUBERNETES, "minAvailable: 1", "minAvailable: 2", "lets no pod be moved"),
        (UNIT, "LimitCORE=0", "LimitCORE=infinity", "LimitCORE"),
        (UNIT, "MemoryMax=320M", "MemoryMax=infinity", "MemoryMax"),
        (UNIT, "NoNewPrivileges=yes", "NoNewPrivileges=no", "NoNewPrivileges"),
        (COMPOSE, "${BACKEND_ADDRESS:-127.0.0.1}:4000", "4000", "every interface"),
        (COMPOSE, "${BACKEND_ADDRESS:-127.0.0.1}:4000", "0.0.0.0:4000", "every interface"),
        (COMPOSE, ":4000:4000", ":4000:4001", "listens on 4000"),
        (COMPOSE, "mem_limit: 320m", "mem_limit: 1g", "mem_limit"),
        (COMPOSE, "core: 0", "core: -1", "dump its memory"),
    ],
)  # fmt: skip
def test_given_one_change_then_it_is_noticed(
    copy: Path, file: str, old: str, new: str, problem: str
) -> None:
    path = copy / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

    assert problem in " ".join(problems(copy))


def test_given_keys_that_are_required_then_compose_may_publish_on_every_interface(
    copy: Path,
) -> None:
    path = copy / COMPOSE
    text = path.read_text().replace("${BACKEND_ADDRESS:-127.0.0.1}:", "")
    path.write_text(text.replace("${API_KEYS:-}", "${API_KEYS:?set one}"))

    assert problems(copy) == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit_may_do_little(copy: Path) -> None:
    path = copy / UNIT
    assert exposure_problems(path) == []

    path.write_text(path.read_text().replace("CapabilityBoundingSet=\n", ""))

    assert exposure_problems(path) != []
