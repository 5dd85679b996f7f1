"""Login: authentication, admission by allow and deny lists, user names, UIDs and groups."""
