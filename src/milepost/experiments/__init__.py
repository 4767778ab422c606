"""Experiments: a plan, its power, who gets which arm, whether it can be believed, what it says, and what follows."""
