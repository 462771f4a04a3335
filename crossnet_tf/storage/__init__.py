"""Networks on disk: run directories, weights, checkpoints.

`runs.load_model` reads any of them; `torch_files` and `official` read those
of the released PyTorch code. Whatever is read may come from a stranger. May
import `baselines` and `model`.
"""
