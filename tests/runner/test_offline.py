"""The guard can't be taken down again, so each case has a process of its own (all in one go)."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import os, socket, sys, tempfile
import _socket
from mmbench.runner.offline import forbid_network
forbid_network()
forbid_network()
assert os.environ["HF_HUB_OFFLINE"] == "1"

def refused(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__ + ": " + str(error)
    return "went through"

print("tcp", refused(lambda: socket.socket()))
print("tcp6", refused(lambda: socket.socket(socket.AF_INET6)))
print("udp", refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
print("lookup", refused(lambda: socket.getaddrinfo("example.org", 80)))
print("name", refused(lambda: socket.gethostbyname("example.org")))
print("connect", refused(lambda: socket.create_connection(("127.0.0.1", 9), timeout=1)))
print("raw", refused(lambda: _socket.socket().connect(("127.0.0.1", 9))))
import urllib.request
print("url", refused(lambda: urllib.request.urlopen("http://127.0.0.1:9/", timeout=1)))

ours, theirs = socket.socketpair()
ours.sendall(b"x")
assert theirs.recv(1) == b"x"
place = os.path.join(tempfile.mkdtemp(), "s")
server = socket.socket(socket.AF_UNIX)
server.bind(place)
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect(place)
print("unix fine")
for each in (ours, theirs, server, client):
    each.close()
"""


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("how", ["tcp", "tcp6", "udp", "raw"])
def test_no_internet_socket(said, how) -> None:
    assert said[how] == "PluginError: tried to open a network connection under --offline"


@pytest.mark.parametrize("how", ["lookup", "name"])
def test_no_lookup(said, how) -> None:
    assert said[how] == "PluginError: tried to look up 'example.org' under --offline"


@pytest.mark.parametrize("how", ["connect", "url"])
def test_libraries_are_refused_too(said, how) -> None:
    assert said[how].endswith("under --offline")


def test_local_sockets_work(said) -> None:
    assert said["unix"] == "fine"
