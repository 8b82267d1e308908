"""Hooks of a plugin that was written for an API version that is not this one."""

MMBENCH_API_VERSION = 99
