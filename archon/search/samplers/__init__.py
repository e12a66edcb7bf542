"""One module for each kind of sampler; ``table.py`` names them."""
