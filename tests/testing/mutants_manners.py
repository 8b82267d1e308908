"""Representations with bad manners, one each."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
from sound_representation import DIM, Sound


def in_child():
    """Whether this is the kit's watched process: what would harm the tests is done only there."""
    return Path(sys.argv[0]).name == "child.py"


def knock():
    """Reach for another machine, without a packet: that of a datagram socket has no handshake."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knocking:
        knocking.connect(("192.0.2.1", 9))


class ScalesInPlace(Sound):
    def image(self, payload):
        found = super().image(payload)
        payload.pixels[:] //= 2
        return found


class EmptiesTheBatch(Sound):
    def encode(self, batch):
        found = super().encode(batch)
        for slot in list(batch):
            batch.pop(slot)
        return found


class ReversesTheList(Sound):
    def encode(self, batch):
        found = super().encode(batch)
        for payloads in batch.values():
            payloads.reverse()
        return found


class ReusesItsBuffer(Sound):
    buffer = np.zeros((4096, DIM), np.float32)

    def finish(self, total):
        rows = self.buffer[: len(total)]
        rows[:] = super().finish(total)
        return rows


class SeedsNumpy(Sound):
    def load(self, ctx):
        super().load(ctx)
        if in_child():
            np.random.seed(ctx.seed)  # noqa: NPY002


class DrawsFromPython(Sound):
    def finish(self, total):
        import random

        random.random()
        return super().finish(total)


class SetsAVariable(Sound):
    def load(self, ctx):
        super().load(ctx)
        if in_child():
            os.environ["SOUND_IS_LOADED"] = "1"


class ChangesFolder(Sound):
    def load(self, ctx):
        super().load(ctx)
        if in_child():
            os.chdir(ctx.checkpoint)


class SilencesNumpy(Sound):
    def load(self, ctx):
        super().load(ctx)
        if in_child():
            np.seterr(all="ignore")


class StopsTheCollector(Sound):
    def load(self, ctx):
        super().load(ctx)
        if in_child():
            gc.disable()


class IgnoresAlarms(Sound):
    """Here as well, which the new process takes over; the tests need no alarms."""

    def load(self, ctx):
        super().load(ctx)
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)


class OpensItsFiles(Sound):
    def load(self, ctx):
        super().load(ctx)
        if in_child():
            os.umask(0)


class SilencesLogging(Sound):
    def load(self, ctx):
        super().load(ctx)
        if in_child():
            logging.disable(logging.CRITICAL)


class TakesTheRootLogger(Sound):
    def load(self, ctx):
        super().load(ctx)
        if in_child():
            logging.basicConfig(level="ERROR")


class AsksTheNetwork(Sound):
    def load(self, ctx):
        super().load(ctx)
        try:
            knock()
        except OSError:
            ctx.log.info("offline")


class WritesBesideItsCache(Sound):
    def load(self, ctx):
        super().load(ctx)
        (ctx.checkpoint.parents[2] / "weights.txt").write_text("converted")


class WritesUnseen(Sound):
    """As compiled code does: Python is not told."""

    def load(self, ctx):
        import ctypes

        super().load(ctx)
        if in_child():
            ctypes.CDLL(None).mkdir(b"compiled", 0o777)


class TouchesItsHome(Sound):
    """By another program, of which Python says nothing but that it was started."""

    def load(self, ctx):
        super().load(ctx)
        if in_child():
            subprocess.run(["touch", str(Path.home() / ".sound-license")], check=True)


class TouchesTheFolderAbove(Sound):
    def finish(self, total):
        if in_child():
            os.system("touch ../sound.lock")
        return super().finish(total)


class TouchesItsCaches(Sound):
    """Sound: another program may write where it may itself."""

    def load(self, ctx):
        import tempfile

        super().load(ctx)
        if in_child():
            cache = Path.home() / ".cache"
            folder = tempfile.gettempdir() if cache.is_symlink() else str(cache)
            Path(folder).mkdir(exist_ok=True)
            subprocess.run(["touch", f"{folder}/compiled"], check=True)
            subprocess.run(["touch", str(ctx.checkpoint / "compiled")], check=True)


class Prints(Sound):
    def load(self, ctx):
        super().load(ctx)
        print("loaded weights from sound.pt")  # noqa: T201


class PrintsUnseen(Sound):
    """As compiled code does: not through ``sys.stdout``."""

    def finish(self, total):
        if in_child():
            os.write(2, b"100%|####|\n")
        return super().finish(total)


class LeavesAThread(Sound):
    def load(self, ctx):
        super().load(ctx)
        if in_child():
            threading.Thread(target=threading.Event().wait).start()


class LeavesAProcess(Sound):
    def load(self, ctx):
        super().load(ctx)
        if in_child():
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


class LeavesADaemon(Sound):
    """A process in a session of its own, whose parent has ended."""

    def load(self, ctx):
        super().load(ctx)
        if in_child():
            sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
            subprocess.Popen(sleeping, start_new_session=True)


class WellBehaved(Sound):
    """What is no bad manners: all that is put back, logged, cached or ended."""

    def load(self, ctx):
        import tempfile
        import warnings

        super().load(ctx)
        ctx.log.warning("these weights are old")
        if in_child():  # the tests count a warning as an error
            warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "unpacked").write_text("weights")
        (ctx.checkpoint / "last").write_text("1")
        Path(ctx.checkpoint).mkdir(parents=True, exist_ok=True)
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        subprocess.run([sys.executable, "-c", ""], check=True)
