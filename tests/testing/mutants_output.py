"""Representations that break what a representation returns, one thing each."""

from __future__ import annotations

import numpy as np
from sound_representation import Sound


class NaN(Sound):
    def finish(self, total):
        found = super().finish(total)
        found[..., 0] = np.nan
        return found
