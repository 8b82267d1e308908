"""The hooks module that sound plugins and mutants name: light."""

MMBENCH_API_VERSION = 1
