"""Large extracts: a provider announces a file, uploads it, and gets the same file with pseudonyms back."""
