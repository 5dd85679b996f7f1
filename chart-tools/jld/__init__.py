"""The operator's tool: checks a site file and writes the values that the chart is installed with."""
