"""Laws of prepared data: labels, scale, and no image in both training and test set. One file per law."""
