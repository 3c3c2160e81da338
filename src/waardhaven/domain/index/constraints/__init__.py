"""Constraints on the weights of one review: their limits, whether they can be met, and meeting them."""
