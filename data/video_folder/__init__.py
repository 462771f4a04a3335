"""Videos of your own as frames, a folder per video."""
