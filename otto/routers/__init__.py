"""Routers: from a text to calls. Each keeps the `Router` protocol of `otto/route.py`."""
