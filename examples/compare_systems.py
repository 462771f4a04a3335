"""Three systems on one pair, in a table.

    python examples/compare_systems.py

`bicubic` and `patchmatch` need no weights; any system of
`crossnet_tf.baselines` with a run of its own can be named like `lite` here.
`crossnet evaluate --methods=...` does this for whole data sets.
"""

import numpy as np

from crossnet_tf import metrics
from crossnet_tf.ops import quantization, resizing
from crossnet_tf.pairs.motorcycle import motorcycle
from crossnet_tf.storage import runs

SYSTEMS = {
    "bicubic": "bicubic-x4",
    "patchmatch": "patchmatch-x4",
    "lite": "crossnet-lite-x4",
}
DETAIL = np.s_[152:344, 212:404]  # 192 x 192 pixels around the tank


def main() -> None:
    """Prints PSNR and SSIM of each system."""
    left, right, _ = motorcycle()
    hr, ref = (np.float32(picture[DETAIL]) / 255 for picture in (left, right))
    lr = resizing.make_lr(hr, 4).numpy()
    print("| system | PSNR in dB | SSIM |\n| --- | ---: | ---: |")
    for title, source in SYSTEMS.items():
        model, _ = runs.load_model(source)
        outputs = model({"lr": lr[None], "ref": ref[None]}, training=False)
        sr = quantization.quantize(outputs["sr"][0].numpy())
        psnr, ssim = metrics.psnr(sr, hr), metrics.ssim(sr, hr)
        print(f"| {title} | {psnr:.2f} | {ssim:.3f} |")


if __name__ == "__main__":
    main()
