"""The Model Context Protocol: Otto's skills as tools (`offer.py`), other servers' tools as skills (`use.py`)."""
