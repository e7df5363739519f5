"""What code declares about itself: shape contracts, claims and intervals, read and checked in one way."""
