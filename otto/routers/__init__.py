"""Routers: from a text to calls. Each keeps the `Router` protocol of `otto/route.py`."""

import os

# One sentence is too little work to share out: BLAS threads would spend 8 ms waiting for each other on 2 ms of work.
# Read when numpy is loaded, which is after this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
