import sys
from running import work
if sys.argv[1]=="--work": sys.exit(work(sys.argv[2], sys.argv[3:]))
