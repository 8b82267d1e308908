"""Representations whose behaviour tests of the watched process look at."""

from __future__ import annotations

import os
import sys
import time
from datetime import date, datetime
from pathlib import Path

import numpy as np
from sound_representation import Sound

DAY = 86_400.0


def in_child():
    return Path(sys.argv[0]).name == "child.py"


class SaysWhereItIs(Sound):
    """Its fingerprint tells what surrounds it."""

    def fingerprint(self):
        said = {
            "clock": round(time.time() / DAY),
            "hash": hash("mmbench"),
            "folder": str(Path.cwd()),
            "listed": sorted(map(str, Path().iterdir())),
            "offline": os.environ.get("HF_HUB_OFFLINE", ""),
            "cache": os.environ["MMBENCH_CACHE"],
        }
        return repr(said)

    def load(self, ctx):
        """By then the dates have been moved, too."""
        super().load(ctx)
        years = datetime.now().year + date.today().year  # noqa: DTZ005, DTZ011 - what is tried
        self.bias = self.bias + np.float32(years)


class Raises(Sound):
    def load(self, ctx):
        if in_child():
            raise FileNotFoundError("weights/sound.pt")
        super().load(ctx)


class Exits(Sound):
    def load(self, ctx):
        if in_child():
            os.write(2, b"terminate called\n")
            os._exit(3)
        super().load(ctx)


class Hangs(Sound):
    def load(self, ctx):
        if in_child():
            time.sleep(60)
        super().load(ctx)


class TakesATuple(Sound):
    def __init__(self, *, scales: tuple[float, ...] = (1.0, 2.0)) -> None:
        super().__init__()
        assert isinstance(scales, tuple)
        self.scales = scales
