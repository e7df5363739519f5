"""Grade the submissions of a class by a rubric: rubric, submissions, checks, scores, copies, statistics."""
