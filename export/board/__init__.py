"""The scripts that run on the board: copied verbatim into every bundle, Python 3.6, without edgecnn."""
