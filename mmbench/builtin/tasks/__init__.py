"""The numbers world's tasks: one a protocol."""
