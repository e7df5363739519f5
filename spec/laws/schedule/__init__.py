"""The laws of kind schedule, one file each."""
