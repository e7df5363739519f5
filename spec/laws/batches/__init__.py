"""The laws of kind batches, one file each."""
