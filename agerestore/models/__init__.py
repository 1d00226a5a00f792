"""Networks, their weights, and the models that ship."""
