"""`hub.traits` and `hub.auth.other`, compared with what is not left to a site, and validated by the classes that read them."""
