"""What a person reads: tables, each figure with its unit and whether it was measured or published."""
