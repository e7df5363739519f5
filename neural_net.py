"""Run from a checkout without installing: `python neural_net.py mnist/` trains, other words are commands of `nn`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "src"))

from nnlaw.cli.main import COMMANDS, main

if __name__ == "__main__":
    words = sys.argv[1:]
    main(words if words and (words[0] in COMMANDS or words[0] == "--help") else ["train", *words])
