"""The times at which laws of schedules call the schedule."""

from __future__ import annotations

import numpy as np

GRID = sorted({float(t) for n in (7, 10, 500) for t in np.linspace(0, 1, n + 1)})
