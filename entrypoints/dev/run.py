"""``make run``: the service, and a local LiveKit beside it if none is configured.

On Linux both end with this process, even if it is killed; and it ends with the process that its
argument names, which started it: make.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from entrypoints.dev.banner import banner
from entrypoints.dev.livekit import CACHE, DEV_KEY, DEV_SECRET, LiveKit, choose_livekit
from entrypoints.http.server.address import CannotListen, base_url, listen_address
from entrypoints.logging.streams import open_closed_streams
from entrypoints.parent import end_with_parent, ending_with_me
from entrypoints.settings import InvalidSettings, load_settings, read_environment

START_LIMIT: Final = 120.0
STOP_LIMIT: Final = 10.0


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
    livekit = None if environ.get("LIVEKIT_URL", "").strip() else choose_livekit(stack)
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
        say(f"[2/3] LiveKit: starting {livekit.what} ...")
        _start_livekit(livekit, f"{url}/telephony/livekit-webhook", stack)
        say(f"[2/3] LiveKit: runs at {livekit.url}; its log is {livekit.log}.")
    else:
        say("[2/3] LiveKit: using the server that LIVEKIT_URL names; there is nothing to start.")
    say("[3/3] Service: starting, and creating or migrating its database (about 2 seconds) ...")
    service = stack.enter_context(
        _process((sys.executable, "-m", "entrypoints.http"), signal.SIGTERM, environ=environ)
    )
    if _answers(f"{url}/health", service):
        what = livekit.what if livekit else "the one that LIVEKIT_URL names"
        say(banner(what, url, settings, guarded=_is_guarded(url)))
    return service.wait()


def _is_guarded(url: str) -> bool:
    """Whether the service says that requests need an API key."""
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=START_LIMIT) as response:  # noqa: S310 - http
            readiness = json.load(response)
    except urllib.error.HTTPError as error:  # it is not ready, and says the same
        readiness = json.load(error)
    except OSError:
        return False
    return not any("no API key" in warning for warning in readiness["warnings"])


def _start_livekit(livekit: LiveKit, webhooks: str, stack: ExitStack) -> None:
    CACHE.mkdir(exist_ok=True)
    output = stack.enter_context(livekit.log.open("wb"))
    command = livekit.command(webhooks)
    # Killed: livekit-server waits for its participants after SIGTERM.
    process = stack.enter_context(_process(command, signal.SIGKILL, output=output.fileno()))
    if not _answers(livekit.url.replace("ws://", "http://"), process):
        tail = livekit.log.read_text(errors="replace")[-2000:]
        raise CannotStart(f"LiveKit did not start. The end of {livekit.log}:\n{tail}")


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
