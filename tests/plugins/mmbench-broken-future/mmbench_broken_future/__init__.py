"""Was written for a later API version."""
