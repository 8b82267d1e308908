"""How many cases a property test draws: 200, or as many as an environment variable says."""

from __future__ import annotations

import os

from hypothesis import settings

EXAMPLES = int(os.environ.get("MMBENCH_TEST_EXAMPLES", "200"))

settings.register_profile("mmbench", max_examples=EXAMPLES)
settings.load_profile("mmbench")
