"""The laws of kind metric, one file each."""
