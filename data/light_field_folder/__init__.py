"""Light fields of your own, from folders of PNG or JPEG images."""
