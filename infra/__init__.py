"""What is deployed, and who may touch what. Synthesises offline: no look-ups, no bundling, no containers."""
