"""SavedModels turned into TF-Lite and ONNX files that prove themselves."""
