"""Which images nobody wants, and which pods remove them: pure functions. The program in those pods is `jldhub.images.purger`."""
