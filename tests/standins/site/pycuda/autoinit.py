"""Importing pycuda.autoinit makes a context; the driver then works."""

from pycuda import driver

driver.ready = True
