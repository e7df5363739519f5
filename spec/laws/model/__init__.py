"""The laws of kind model, one file each."""
