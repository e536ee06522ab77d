"""The version of this program, for those that may not import what `bridge` itself gives."""

VERSION = "0.1.0"
