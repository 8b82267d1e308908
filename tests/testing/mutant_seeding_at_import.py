"""A representation whose import seeds numpy's global generator."""

from __future__ import annotations

import numpy as np
from mutants_manners import in_child
from sound_representation import Sound

if in_child():
    np.random.seed(0)  # noqa: NPY002


class SeedsAtImport(Sound):
    pass
