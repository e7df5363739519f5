"""The laws of kind training, one file each."""
