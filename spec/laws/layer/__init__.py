"""The laws of kind layer, one file each."""
