"""What can be done with a run: list, resume, bundle, reproduce, replay, predict, plot."""
