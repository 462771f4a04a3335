"""A port that nobody listens at."""

import socket


def free_port() -> int:
    """One that was free a moment ago, on this machine."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]
