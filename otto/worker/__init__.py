"""The worker: another process, which reads skill files and runs skills."""
