#!/usr/bin/env python3
"""Compares what the program prints of image files, pixel for pixel, with what Pillow reads from them.

    cargo build --release --features cli
    python3 tests/harness/decoders.py PROGRAM FILE...

For each file: the largest difference of any channel of a visible pixel, and the peak signal-to-noise ratio. Lossless files must be equal
within 1, lossy ones reach 45 dB; exits with 1 if any does not. Needs Pillow and NumPy.
"""

import json, pathlib, subprocess, sys, tempfile, warnings

import numpy
from PIL import Image, ImageOps

Image.MAX_IMAGE_PIXELS = None
warnings.simplefilter("ignore")


def printed(program, path, scratch):
    media = {"width": "2147483647px", "max_length": "2147483647px"}
    orders = [{"id": "1", "items": [{"artwork": str(path), "turn": "none"}]}]
    job = {"version": 1, "name": "one", "dpi": 100, "media": media, "gutter": "0px", "orders": orders, "output": {"crop": "content"}}
    (scratch / "job.json").write_text(json.dumps(job))
    command = [program, "render", scratch / "job.json", "-o", scratch / "out", "--overwrite", "--progress", "none", "--log-level", "error"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return numpy.asarray(Image.open(scratch / "out" / "one part 1.png").convert("RGBA")).astype(int)


def expected(path):
    image = Image.open(path)
    turned = ImageOps.exif_transpose(image) if image.format in ("JPEG", "WEBP", "TIFF") else image
    if turned.mode == "CMYK":
        cmyk = numpy.asarray(turned).astype(float)
        rgb = (255 - cmyk[..., :3]) * (255 - cmyk[..., 3:]) / 255
        return numpy.dstack([numpy.rint(rgb), numpy.full(rgb.shape[:2], 255)]).astype(int)
    if turned.mode.startswith("I;16"):
        grey = numpy.rint(numpy.asarray(turned).astype(float) / 257)
        return numpy.dstack([grey] * 3 + [numpy.full(grey.shape, 255)]).astype(int)
    return numpy.asarray(turned.convert("RGBA")).astype(int)


def main():
    program, files = sys.argv[1], [pathlib.Path(name).resolve() for name in sys.argv[2:]]
    wrong = 0
    with tempfile.TemporaryDirectory(dir="target") as scratch:
        scratch = pathlib.Path(scratch).resolve()
        for path in files:
            try:
                found, wanted = printed(program, path, scratch), expected(path)
            except Exception as error:
                wrong += 1
                print(f"{path.name}: {error}")
                continue
            if found.shape != wanted.shape:
                wrong += 1
                print(f"{path.name}: {found.shape[1]} x {found.shape[0]} px, expected {wanted.shape[1]} x {wanted.shape[0]}")
                continue
            visible = wanted[..., 3] > 0
            difference = numpy.abs(found - wanted) * visible[..., None]
            difference[..., 3] = numpy.abs(found - wanted)[..., 3]
            error = (difference**2).mean()
            decibels = 10 * numpy.log10(255**2 / error) if error else float("inf")
            with Image.open(path) as image:
                lossy = image.format == "JPEG" or image.info.get("compression") == "jpeg"
                lossy |= image.format == "WEBP" and b"VP8 " in path.read_bytes()
            good = decibels >= 45 if lossy else difference.max() <= 1
            wrong += not good
            print(f"{path.name}: differs by {difference.max()}, {decibels:.1f} dB{'' if good else '  NOT GOOD ENOUGH'}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
