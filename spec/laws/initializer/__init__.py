"""The laws of kind initializer, one file each."""
