"""A stand-in for pycuda over the host's memory."""
