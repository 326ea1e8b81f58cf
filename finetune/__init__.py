"""The fine-tuning pipeline: generate, collect, train, evaluate, export. See docs/design.md."""
