"""Standard formats, turned into our records and back; nothing inside depends on them."""
