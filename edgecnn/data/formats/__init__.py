"""The layouts of files in which a user's own pictures may come; the modules of this package register them."""
