"""Linkage: agreements between two domains' controllers, and the translation of pseudonyms under them."""
