"""Carries out the Dockerfile's steps in a clean folder, and runs what comes of them.

Where no container engine runs, this is the next best thing: each instruction is read from the
Dockerfile and done as it stands, with two differences. The folder stands for the image's root, so
that absolute paths of COPY, WORKDIR, VOLUME, ENV and RUN are put into it; and the base image's
Python is the one that runs this, its Node.js this machine's. What needs an account of its own
(useradd, USER) is not done.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from check_manifests import exposure_problems, problems
from dockerfile_parse import DockerfileParser

PROJECT = Path(__file__).resolve().parent.parent
ROOTED = re.compile(r"(?<![\w./:-])(?=/(?:opt|app|data|build)\b)|(?<=:///)(?=/data\b)")


class Image:
    """A stage of the build: a folder for its root, its variables and its working folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root
        # Nothing of this machine's but how it reaches its package indexes.
        indexes = ("PIP_", "npm_config_")
        kept = {name: value for name, value in os.environ.items() if name.startswith(indexes)}
        tools = Path(sys.executable).resolve().parent
        node = Path(shutil.which("npm") or "/usr/bin/npm").parent
        self.environ = {**kept, "PATH": f"{tools}:{node}:/usr/bin:/bin", "HOME": str(root)}
        self.command: list[str] = []
        self.health: list[str] = []

    def path(self, raw: str) -> Path:
        return self.root / raw.lstrip("/") if raw.startswith("/") else self.folder / raw

    def rooted(self, text: str) -> str:
        return ROOTED.sub(str(self.root), text)


def build(stages: Path) -> Image:
    """Do every instruction; the last stage."""
    images: dict[str, Image] = {}
    image = Image(stages)
    for step in DockerfileParser(str(PROJECT)).structure:
        name, value = step["instruction"], step["value"]
        print(f"  {name} {value}", flush=True)
        match name:
            case "FROM":
                label = value.split(" AS ")[1] if " AS " in value else "final"
                image = images[label] = Image(stages / label)
                image.root.mkdir()
            case "WORKDIR":
                image.folder = image.path(value)
                image.folder.mkdir(parents=True, exist_ok=True)
            case "ENV":
                for pair in shlex.split(value):
                    variable, _, given = pair.partition("=")
                    given = given.replace("$PATH", image.environ["PATH"])
                    image.environ[variable] = image.rooted(given)
            case "COPY":
                _copy(image, images, shlex.split(value))
            case "RUN":
                # An account cannot be made in a folder; what else the line does is done.
                script = re.sub(r"useradd [^&]*&&", "", value)
                script = re.sub(r"-o \d+ -g \d+ ", "", script)
                subprocess.run(
                    ["/bin/sh", "-ec", image.rooted(script)],
                    cwd=image.folder, env=image.environ, check=True,
                )  # fmt: skip
            case "CMD":
                image.command = json.loads(value)
            case "HEALTHCHECK":
                image.health = json.loads(value.split("CMD", 1)[1])
            case "USER" | "VOLUME" | "EXPOSE" | "STOPSIGNAL" | "COMMENT":
                pass
            case _:
                raise SystemExit(f"This script does not know {name}.")
    return images["final"]


def _copy(image: Image, images: dict[str, Image], words: list[str]) -> None:
    if words[0].startswith("--from="):
        source = images[words[0].removeprefix("--from=")].path(words[1])
        shutil.copytree(source, image.path(words[2]), symlinks=True)
        if (source / "bin").is_dir():
            _move_venv(image.path(words[2]), source)
        return
    source, target = PROJECT / words[0], image.path(words[1])
    if source.is_dir():
        # As .dockerignore has it.
        left_out = shutil.ignore_patterns("__pycache__", "node_modules", "console_files")
        shutil.copytree(source, target, ignore=left_out, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)


def _move_venv(target: Path, source: Path) -> None:
    """In an image both stages have it at the same path; here its scripts name the other's."""
    for script in (target / "bin").iterdir():
        if script.is_file() and not script.is_symlink():
            text = script.read_bytes()
            script.write_bytes(text.replace(str(source).encode(), str(target).encode()))


def run(image: Image, port: int) -> None:
    """Start the command, ask the health check, post a session, stop it."""
    simulator_port = _free_port()
    simulator = subprocess.Popen(
        [sys.executable, "-m", "entrypoints.cli", "simulator", "--port", str(simulator_port)],
        cwd=PROJECT, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    environ = {
        **image.environ,
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "LIVEKIT_URL": f"ws://127.0.0.1:{simulator_port}",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "devsecret-for-local-development-only",
    }
    service = subprocess.Popen(image.command, cwd=image.folder, env=environ)
    try:
        for _ in range(100):
            time.sleep(0.2)
            if _is_healthy(image, environ):
                break
        else:
            raise SystemExit("HEALTHCHECK never succeeded.")
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/session",
            data=b'{"userIdentity": "user-42"}',
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["agentDispatched"] is True
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/console", timeout=10) as answer:
            assert b"/console/assets/" in answer.read(), "the image has no console"
        subprocess.run(["backend", "keys", "list"], cwd=image.folder, env=environ, check=True)
        assert (image.root / "data" / "backend.db").is_file(), "the ledger is not in /data"
        began = time.monotonic()
        service.send_signal(signal.SIGTERM)
        code = service.wait(timeout=15)
        took = time.monotonic() - began
        assert code == 0, f"exit code {code}"
        assert took < 10, f"took {took:.1f} s to stop"
        assert not _is_healthy(image, environ)
    finally:
        for process in (service, simulator):
            if process.poll() is None:
                process.kill()
            process.wait()


def _is_healthy(image: Image, environ: dict[str, str]) -> bool:
    done = subprocess.run(image.health, env=environ, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def verify_unit(folder: Path) -> None:
    """Ask systemd; what the unit starts is not on this machine, so a stand-in is named."""
    unit = (PROJECT / "deploy" / "systemd" / "backend-livekit.service").read_text()
    file = folder / "backend-livekit.service"
    file.write_text(unit.replace("/opt/backend-livekit/bin/backend", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "backend-livekit" in line]
    if done.returncode or complaints:
        raise SystemExit(
            "systemd does not take the unit:\n" + "\n".join(complaints or [done.stderr])
        )
    if exposed := exposure_problems(file):
        raise SystemExit("\n".join(exposed))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Lint, build, run."""
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        raise SystemExit("hadolint is missing; make test-requirements installs it.")
    subprocess.run([hadolint, str(PROJECT / "Dockerfile")], check=True)
    if disagreements := problems():
        raise SystemExit("\n".join(disagreements))
    print("deploy/ and the Dockerfile agree on ports, limits and exposure.")
    print("hadolint finds nothing in the Dockerfile. Its steps:")
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        verify_unit(Path(name))
        image = build(Path(name))
        run(image, _free_port())
    print(
        "The image's command served a session and the console, answered its health check, and "
        "stopped; "
        "systemd takes the unit."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
