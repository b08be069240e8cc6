"""Python imports this at start where its folder is on PYTHONPATH: writes each network address used to a file."""

import os
import sys

HOST_OF = {  # audit event -> which of its arguments holds the host or the address
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
    "socket.getnameinfo": 0,
}


def _record(event: str, arguments: tuple) -> None:
    if event not in HOST_OF:
        return
    address = arguments[HOST_OF[event]]
    host = address[0] if isinstance(address, tuple) else address
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg") and not isinstance(address, tuple):
        return  # a Unix socket's path, or a datagram on a connected socket
    text = host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")
    descriptor = os.open(os.environ["TUNELOOM_NETWORK_RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, f"{os.getpid()}\t{event}\t{text}\n".encode())
    os.close(descriptor)


if "TUNELOOM_NETWORK_RECORD" in os.environ:
    sys.addaudithook(_record)
