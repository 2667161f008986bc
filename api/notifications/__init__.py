"""How the API notifies loaders of an upload that waits."""
