"""The only code of the bridge that speaks to a chain."""
