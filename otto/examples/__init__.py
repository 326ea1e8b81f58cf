"""Example files, which are all it takes to add a skill: reader, writer, check, and what corrections add."""
