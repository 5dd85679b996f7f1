"""What the harness uses everywhere: paths, programs, processes, Debian's packages."""
