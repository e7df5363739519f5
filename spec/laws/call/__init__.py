"""The laws of kind call, one file each."""
