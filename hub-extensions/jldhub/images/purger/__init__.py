"""Removes images that nobody wants from one node: a program for a pod that has this folder alone, so that nothing else of jldhub is imported."""
