"""The network: which addresses may be reached, the one door to them, and what comes through it."""
