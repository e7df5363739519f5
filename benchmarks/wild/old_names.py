"""Names that Python and NumPy had when numpy-ml and DeZero were written, put back so that they import, no more."""

import collections
import collections.abc

import numpy as np

collections.Hashable = collections.abc.Hashable  # numpy-ml; gone since Python 3.10
np.int = int  # DeZero; gone since NumPy 1.24
