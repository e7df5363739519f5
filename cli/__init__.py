"""The command line: one command per file, imported only when it is called."""

if __name__ != "nnlaw.cli":  # under a second name everything would be registered twice
    raise ImportError("import nnlaw.cli, not cli: the package is called nnlaw")
