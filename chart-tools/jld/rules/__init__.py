"""Rules between keys that a schema cannot say: one module for each part of the chart."""
