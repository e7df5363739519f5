"""python neural_net.py mnist/ trains; python neural_net.py predict digit.png reads a digit."""

import sys

from cli.main import COMMANDS, main

if __name__ == "__main__":
    words = sys.argv[1:]
    main(words if words and (words[0] in COMMANDS or words[0] == "--help") else ["train", *words])
