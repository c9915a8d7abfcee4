"""Large files that people hand over: where they are put, once, and how they are read back in blocks."""
