"""A representation whose import asks the network."""

from __future__ import annotations

import contextlib

from mutants_manners import knock
from sound_representation import Sound

with contextlib.suppress(OSError):
    knock()


class OnlineAtImport(Sound):
    pass
