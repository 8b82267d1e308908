"""Hooks of a plugin that take their time."""

import time

MMBENCH_API_VERSION = 1
time.sleep(0.3)
