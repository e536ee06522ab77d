"""One detector a file, each the module's ``DETECTOR``."""
