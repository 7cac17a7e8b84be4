"""The data sets that have a name; the modules of this package register them."""
