"""The stages in order: the one place that sees models, passes, compilers and devices together."""
