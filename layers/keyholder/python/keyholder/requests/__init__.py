"""The life cycle of a request: commands, events, state, and the one table of transitions everything is read from."""
