"""What `make` runs: lessons, claims, data sets, installation."""
