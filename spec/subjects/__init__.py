"""The border between the laws and the code under test: subjects, in this process or in one of its own."""
