"""Scenarios that inject faults and check that nn copes as expected."""
