"""How the API notifies loaders of a waiting upload."""
