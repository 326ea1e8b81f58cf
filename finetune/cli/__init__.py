"""The fine-tuning verbs of the `otto` command: `data`, `train`, `eval`, `export`; one verb a file."""
