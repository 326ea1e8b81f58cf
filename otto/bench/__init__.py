"""How well Otto understands, measured: test sets, scores, and how sure a model's answers are."""
