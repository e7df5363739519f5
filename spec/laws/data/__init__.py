"""The laws of kind data, one file each."""
