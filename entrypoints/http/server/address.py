"""Where the service listens, and the URL by which this machine reaches it."""

from __future__ import annotations

import errno
import ipaddress
import socket


class CannotListen(Exception):
    """Nothing can listen on HOST and PORT; the message is a sentence that names both."""


def listen_address(host: str, port: int) -> str:
    """Return the IP address of ``host``.

    Raises :class:`CannotListen` if it is not one of this machine's, or if something listens there:
    granian would share the port with it.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:  # a name that no DNS can have is a UnicodeError
        raise CannotListen(_sentence(host, port, error)) from None
    return str(address[0])


def base_url(host: str, port: int) -> str:
    """Return the URL, without a path, by which this machine reaches a service on ``host``."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"  # a name
    if address.is_unspecified:  # every address; a client needs one
        return f"http://127.0.0.1:{port}" if address.version == 4 else f"http://[::1]:{port}"
    if address.version == 4:
        return f"http://{address}:{port}"
    zone = "%25".join(str(address).split("%"))  # RFC 6874
    return f"http://[{zone}]:{port}"


def _sentence(host: str, port: int, error: OSError | UnicodeError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return (
            f"PORT {port} is in use on HOST {host}. Stop what listens there, or choose another "
            f"one, for example PORT={port % 65535 + 1}."
        )
    if number == errno.EACCES:
        return f"PORT {port} needs a privilege on this machine; choose one from 1024 on."
    reason = (isinstance(error, OSError) and error.strerror) or "it is not a name"
    return (
        f"HOST {host} is not an address of this machine ({reason}). Use 127.0.0.1 or ::1 for this "
        "machine alone, 0.0.0.0 or :: for every network."
    )
