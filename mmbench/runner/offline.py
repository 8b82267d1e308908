"""``--offline``: no socket can be opened from the moment the guard is up."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from mmbench.api import PluginError

__all__ = ["forbid_network"]

_LOCAL = (getattr(socket, "AF_UNIX", None), -1)
_TO_ADDRESS = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg")
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_state = {"installed": False}


def forbid_network() -> None:
    """Refuse internet sockets in this process, for good, and tell the hubs that we are offline.

    An audit hook can't be taken down again, and it sees every way to a socket that Python code
    has. Local (Unix) sockets still work: worker processes talk through them.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["MMBENCH_OFFLINE"] = "1"
    if not _state["installed"]:
        sys.addaudithook(_refuse)
        _state["installed"] = True


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    # -1: the family of a descriptor that is open already; a Unix address is no tuple.
    if (event == "socket.__new__" and arguments[1] not in _LOCAL) or (
        event in _TO_ADDRESS and isinstance(arguments[1], tuple)
    ):
        raise PluginError("tried to open a network connection under --offline")
    if event in _LOOKUPS and arguments[0] not in (None, "localhost"):
        raise PluginError(f"tried to look up {arguments[0]!r} under --offline")
