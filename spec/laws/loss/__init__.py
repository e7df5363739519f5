"""The laws of kind loss, one file each."""
