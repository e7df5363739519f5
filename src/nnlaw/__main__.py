"""The command `nn`, also as `python -m nnlaw`.

Ctrl-C while it is still being imported ends the process at once, without a traceback; later, `main` handles it.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from nnlaw.cli.main import main

if __name__ == "__main__":
    main()
