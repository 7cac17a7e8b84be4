"""Sweeps: a grid of networks trained, exported and measured, as points of accuracy against cost."""
