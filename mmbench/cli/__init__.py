"""The command line: click commands, one file a command group; rich on the screen."""
