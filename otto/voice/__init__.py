"""The voice loop: what is heard, whether it is meant for Otto, and the answer aloud."""
