"""The daemon: one process that listens, rings and answers on a socket, and what asks and starts it."""
