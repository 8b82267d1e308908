"""GMC for mmbench, and the models it is compared with. Imports nothing heavy."""

from __future__ import annotations

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1
