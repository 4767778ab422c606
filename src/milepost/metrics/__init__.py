"""The figures that support and success leaders track, each with its definition."""
