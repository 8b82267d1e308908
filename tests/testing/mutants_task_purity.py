"""Tasks whose scoring is not pure, in one way each."""

from __future__ import annotations

import ctypes
import os
import random
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import ClassVar

import numpy as np
from sound_task import CLASSES, Sound


class Noisy(Sound):
    def score(self, inputs):
        found = super().score(inputs)
        return replace(found, parameters={"drawn": float(np.random.default_rng().random())})


class Remembering(Sound):
    last = 0.0

    def score(self, inputs):
        found = super().score(inputs)
        before, self.last = self.last, float(inputs.arrays["sound"].sum())
        return replace(found, parameters={"before": before})


class TuplesOnly(Sound):
    """It takes pairs for points, and lists for something else."""

    def split(self, name, count):
        made = super().split(name, count)
        return replace(made, columns={**made.columns, "times": [(0, 1)] * count})

    def score(self, inputs):
        found = super().score(inputs)
        points = sum(isinstance(each, tuple) for each in inputs.tables["test"]["times"])
        return replace(found, parameters={"points": points})


class Reading(Sound):
    def score(self, inputs):
        (Path(__file__).parent / "labels.csv").exists()
        with open(__file__.replace("mutants_task_purity.py", "../../LICENSE")) as file:  # noqa: PTH123
            return replace(super().score(inputs), notes=(file.readline(),))


class Calling(Sound):
    def score(self, inputs):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as line:
            line.connect_ex(("127.0.0.1", 1))
        return super().score(inputs)


class ByTheClock(Sound):
    def score(self, inputs):
        found = super().score(inputs)
        return replace(found, parameters={"week": int(time.time() // 86_400) // 7})


class ByTheDate(Sound):
    def score(self, inputs):
        return replace(super().score(inputs), parameters={"year": date.today().year})  # noqa: DTZ011


class ByHash(Sound):
    """It notes the classes in the order of a set."""

    def score(self, inputs):
        labels = set(inputs.tables["test"].ids)
        return replace(super().score(inputs), notes=tuple(labels))


class OnTheClass(Sound):
    """Its labels stay with the class when the collections are opened."""

    labels: ClassVar[dict[str, str]] = {}

    def collections(self, datasets):
        found = super().collections(datasets)
        type(self).labels = dict(
            zip(found["test"].ids, found["test"].columns["label"], strict=True)
        )
        return found

    def score(self, inputs):
        for item in inputs.tables["test"].ids:
            self.labels[item]
        return super().score(inputs)


class Asking(Sound):
    def score(self, inputs):
        os.environ.get("SOUND_TIES", self.ties)
        return super().score(inputs)


class Starting(Sound):
    def score(self, inputs):
        subprocess.run([sys.executable, "-S", "-c", ""], check=True)
        return super().score(inputs)


class Forking(Sound):
    def score(self, inputs):
        os.system("true")
        return super().score(inputs)


class Touching(Sound):
    """It writes a file by another program, in the new process only."""

    def score(self, inputs):
        if Path(sys.argv[0]).name == "task_child.py":
            subprocess.run(["touch", str(Path.home() / ".sound")], check=True)
        return super().score(inputs)


class Compiled(Sound):
    """It writes a file as compiled code does: Python is not told."""

    def score(self, inputs):
        if Path(sys.argv[0]).name == "task_child.py":
            ctypes.CDLL(None).mkdir(b"compiled", 0o777)
        return super().score(inputs)


class Scaling(Sound):
    """It scales the arrays that it is handed in place."""

    def vectors(self, inputs):
        found = super().vectors(inputs)
        inputs.arrays["sound"][:] = found[0]
        return found


class Sorting(Sound):
    def score(self, inputs):
        found = super().score(inputs)
        inputs.tables["test"].columns["label"].sort()
        return found


class Seeding(Sound):
    def score(self, inputs):
        np.random.seed(inputs.seed)  # noqa: NPY002 - the defect
        return super().score(inputs)


class Shuffling(Sound):
    def score(self, inputs):
        random.shuffle(list(CLASSES))
        return super().score(inputs)


class Printing(Sound):
    def score(self, inputs):
        print("scoring", file=sys.stderr)  # noqa: T201 - the defect
        return super().score(inputs)


class Drawing(Sound):
    """It draws from the seed that it is handed."""

    def score(self, inputs):
        found = super().score(inputs)
        drawn = float(np.random.default_rng(inputs.seed).random())
        return replace(found, parameters={"drawn": drawn})


class SaysSeeded(Sound):
    @property
    def info(self):
        return replace(super().info, seeded=True)


class Seeded(SaysSeeded, Drawing):
    """It draws from the seed, and says so, which is allowed."""
