"""What Pixo reads from headers by itself, since libvips does not tell it or would read the whole file for it."""
