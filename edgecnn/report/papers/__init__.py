"""The papers' tables: printed figures as data, and beside them what edgecnn computes.

A file holds the tables of one paper or of the lectures. Nothing is computed before a table is asked for.
"""

from edgecnn.report.papers.cells import Cell, Column
from edgecnn.report.papers.table import PAPER_TABLES, PaperTable, Table, paper_tables

__all__ = ["PAPER_TABLES", "Cell", "Column", "PaperTable", "Table", "paper_tables"]
