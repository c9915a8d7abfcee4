"""Keyholder: a re-identification request service for health data in England."""
