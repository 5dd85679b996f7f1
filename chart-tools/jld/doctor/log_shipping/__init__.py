"""Log shipping: `targets` says whom to ask; `asking`, `reaching` and `broker` ask; `findings`, `tls_faults` and `validity` judge."""
