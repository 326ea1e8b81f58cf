"""Language models: what writes calls (or answers) from a prompt, wherever it runs, and what is known of its files."""
