"""The client of a server. Never imports TensorFlow."""
