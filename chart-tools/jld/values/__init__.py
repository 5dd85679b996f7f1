"""From site files to the values that the chart is installed with."""
