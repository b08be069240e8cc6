"""The mixture: which training rows are used, and how often."""
