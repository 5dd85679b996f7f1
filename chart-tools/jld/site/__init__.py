"""Read site files, and write values files."""
