"""``make run``: the service, and a local LiveKit beside it if none is configured.

On Linux both end with this process, even if it is killed; and it ends with the process that its
argument names, which started it: make.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs

from entrypoints.http.server.address import CannotListen, base_url, listen_address
from entrypoints.logging.streams import open_closed_streams
from entrypoints.parent import end_with_parent, ending_with_me
from entrypoints.settings import InvalidSettings, Settings, load_settings, read_environment

CACHE: Final = Path(__file__).resolve().parents[2] / ".cache"
LOG: Final = CACHE / "livekit.log"
DEV_KEY: Final = "devkey"
DEV_SECRET: Final = "devsecret-for-local-development-only"  # noqa: S105 - known to everybody
START_LIMIT: Final = 30.0
STOP_LIMIT: Final = 10.0


@attrs.frozen
class LiveKit:
    """A local LiveKit: what it is, its port, and its binary; without one it is the simulator."""

    what: str
    port: int
    binary: str | None = None

    @property
    def url(self) -> str:
        """Where it is once it runs."""
        return f"ws://127.0.0.1:{self.port}"

    def command(self, webhooks: str) -> tuple[str, ...]:
        """Return what starts it, so that it posts its events to ``webhooks``."""
        if self.binary is None:
            simulator = (sys.executable, "-m", "entrypoints.cli", "simulator")
            keys = ("--api-key", DEV_KEY, "--api-secret", DEV_SECRET)
            return (*simulator, "--port", str(self.port), *keys, "--webhook-url", webhooks)
        config = CACHE / "livekit.yaml"
        config.write_text(
            f"port: {self.port}\n"
            'bind_addresses: ["127.0.0.1"]\n'
            f"rtc: {{tcp_port: {self.port + 1}, udp_port: {self.port + 2}, "
            "node_ip: 127.0.0.1, use_external_ip: false}\n"
            f"keys: {{{DEV_KEY}: {DEV_SECRET}}}\n"
            f'webhook: {{api_key: {DEV_KEY}, urls: ["{webhooks}"]}}\n'
        )
        return self.binary, "--config", str(config)


class CannotStart(Exception):
    """Why not, as a sentence."""


def main(arguments: Sequence[str] = ()) -> int:
    """Run until Ctrl-C, SIGTERM or the terminal's end, then stop everything that was started.

    The first of ``arguments``, if any, is the number of the process that this one ends with.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup(1) wants SIGHUP to be
            signal.signal(number, signal.default_int_handler)
    open_closed_streams()
    try:
        if arguments:
            end_with_parent(_process_number(arguments[0]), signal.SIGTERM)
        with ExitStack() as stack:
            return _run(read_environment(), stack)
    except KeyboardInterrupt:
        say("Stopped.")
        return 0
    except InvalidSettings as error:
        say(str(error))
        return 2
    except (CannotListen, CannotStart) as error:
        say(str(error))
        return 1
    except OSError as error:  # .cache cannot be written, for example
        say(f"{error.filename or 'A file'} cannot be used ({error.strerror}).")
        return 1


def _process_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise CannotStart("The argument must be the number of the process to end with, or absent.")
    return int(text)


def say(text: str) -> None:
    """Print, if the terminal is still there."""
    with suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _run(environ: dict[str, str], stack: ExitStack) -> int:
    livekit = None if environ.get("LIVEKIT_URL", "").strip() else _choose_livekit()
    if livekit:
        environ |= {
            "LIVEKIT_URL": livekit.url,
            "LIVEKIT_API_KEY": DEV_KEY,
            "LIVEKIT_API_SECRET": DEV_SECRET,
        }
    settings = load_settings(environ)
    listen_address(settings.host, settings.port)
    url = base_url(settings.host, settings.port)
    if livekit:
        _start_livekit(livekit, f"{url}/telephony/livekit-webhook", stack)
    service = stack.enter_context(
        _process((sys.executable, "-m", "entrypoints.http"), signal.SIGTERM, environ=environ)
    )
    if _answers(f"{url}/health", service):
        say(_banner(livekit.what if livekit else "the one that LIVEKIT_URL names", url, settings))
    return service.wait()


def _choose_livekit() -> LiveKit:
    port = 7880
    while not all(_is_free(used) for used in range(port, port + 3)):  # and its two for media
        port += 10
    cached = CACHE / "bin" / "livekit-server"
    binary = shutil.which("livekit-server") or (str(cached) if cached.is_file() else None)
    if binary is None:
        return LiveKit(
            "the built-in simulator: no audio and no workers (`make livekit` builds the real one)",
            port,
        )
    return LiveKit(f"a real server on this machine ({binary})", port, binary)


def _start_livekit(livekit: LiveKit, webhooks: str, stack: ExitStack) -> None:
    CACHE.mkdir(exist_ok=True)
    output = stack.enter_context(LOG.open("wb"))
    command = livekit.command(webhooks)
    # Killed: livekit-server waits for its participants after SIGTERM.
    process = stack.enter_context(_process(command, signal.SIGKILL, output=output.fileno()))
    if not _answers(livekit.url.replace("ws://", "http://"), process):
        tail = LOG.read_text(errors="replace")[-2000:]
        raise CannotStart(f"LiveKit did not start. The end of {LOG}:\n{tail}")


@contextmanager
def _process(
    command: tuple[str, ...],
    orphaned: signal.Signals,
    *,
    environ: Mapping[str, str] | None = None,
    output: int | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` for the length of a block; ``orphaned`` ends it if this process is killed."""
    process = subprocess.Popen(  # noqa: S603 - our own commands
        command,
        env=environ,
        stdout=output,
        stderr=output,
        # Ctrl-C reaches only this process, which stops the others in order.
        start_new_session=True,
        preexec_fn=ending_with_me(orphaned),  # noqa: PLW1509 - there are no threads
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):  # a second Ctrl-C: at once
            process.kill()
            process.wait()


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether ``url`` answers before the process ends or the time is up."""
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=1):  # noqa: S310 - http
            return True
        time.sleep(0.05)
    return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - asks, does not listen
        except OSError:
            return False
        return True


def _banner(what: str, url: str, settings: Settings) -> str:
    local = settings.livekit_api_secret == DEV_SECRET
    telephony = (
        "on"
        if settings.telephony_enabled
        else "off: phones are no calls (TELEPHONY_ENABLED=true make run)"
    )
    return f"""
backend-livekit is running at {url} (API documentation: /docs)

  LiveKit     {what}
  URL         {settings.livekit_url}
  API key     {settings.livekit_api_key}
  API secret  {DEV_SECRET if local else "(as configured)"}
  Agent name  {settings.agent_name}
  Telephony   {telephony}

Try this next, in another terminal:

  curl -s '{url}/session' -H 'Content-Type: application/json' \\
    -d '{{"userIdentity": "user-42"}}'

Ctrl-C stops everything.
"""
