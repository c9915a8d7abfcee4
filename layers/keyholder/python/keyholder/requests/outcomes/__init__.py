"""What a permitted command makes happen: a module for each topic."""
