"""Download data sets and verify them."""
