"""The revisions, a file each; the number stands in front."""
