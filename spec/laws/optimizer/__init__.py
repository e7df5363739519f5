"""The laws of kind optimizer, one file each."""
