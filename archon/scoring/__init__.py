"""How good an answer is: one file per way of scoring."""
