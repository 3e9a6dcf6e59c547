#!/usr/bin/env python3
"""Compares what the program prints of image files, pixel for pixel, with what Pillow reads from them.

    cargo build --release --features cli
    python3 tests/harness/decoders.py PROGRAM FILE...

For each file: the largest difference of any channel of a visible pixel, and the peak signal-to-noise ratio. Lossless files must be equal
within 1, lossy ones reach 45 dB. Files with an ICC profile are compared with what LittleCMS makes of them, relative colorimetric with black
point compensation, by CIEDE2000: at most 1 on average and 3 anywhere. Of a JPEG it is given the pixels that the program prints without the
profile, so that the decoders' own differences do not count. Exits with 1 if any is worse. Needs Pillow and NumPy.
"""

import io, json, pathlib, subprocess, sys, tempfile, warnings

import numpy
from PIL import Image, ImageCms, ImageOps

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


def lab(rgb):
    """CIELAB of sRGB values from 0 to 255."""
    light = rgb / 255
    light = numpy.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    xyz = light @ numpy.array([[0.4124564, 0.2126729, 0.0193339], [0.3575761, 0.7151522, 0.119192], [0.1804375, 0.072175, 0.9503041]])
    f = xyz / [0.95047, 1, 1.08883]
    f = numpy.where(f > 216 / 24389, numpy.cbrt(f), (24389 / 27 * f + 16) / 116)
    return numpy.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def ciede2000(one, other):
    """CIE 142-2001."""
    l1, a1, b1 = numpy.moveaxis(one, -1, 0)
    l2, a2, b2 = numpy.moveaxis(other, -1, 0)
    mean = (numpy.hypot(a1, b1) + numpy.hypot(a2, b2)) / 2
    g = 0.5 * (1 - numpy.sqrt(mean**7 / (mean**7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = numpy.hypot(a1, b1), numpy.hypot(a2, b2)
    h1, h2 = numpy.degrees(numpy.arctan2(b1, a1)) % 360, numpy.degrees(numpy.arctan2(b2, a2)) % 360
    dh = (h2 - h1 + 180) % 360 - 180
    dh = numpy.where(c1 * c2 == 0, 0, dh)
    dh = 2 * numpy.sqrt(c1 * c2) * numpy.sin(numpy.radians(dh / 2))
    l, c = (l1 + l2) / 2, (c1 + c2) / 2
    h = numpy.where(numpy.abs(h1 - h2) > 180, (h1 + h2 + 360) / 2, (h1 + h2) / 2)
    h = numpy.where(c1 * c2 == 0, h1 + h2, h)
    cos = lambda factor, shift: numpy.cos(numpy.radians(factor * h + shift))
    t = 1 - 0.17 * cos(1, -30) + 0.24 * cos(2, 0) + 0.32 * cos(3, 6) - 0.2 * cos(4, -63)
    sl = 1 + 0.015 * (l - 50) ** 2 / numpy.sqrt(20 + (l - 50) ** 2)
    sc, sh = 1 + 0.045 * c, 1 + 0.015 * c * t
    turn = -2 * numpy.sqrt(c**7 / (c**7 + 25.0**7)) * numpy.sin(numpy.radians(60 * numpy.exp(-(((h - 275) / 25) ** 2))))
    dl, dc, dh = (l2 - l1) / sl, (c2 - c1) / sc, dh / sh
    return numpy.sqrt(numpy.maximum(dl**2 + dc**2 + dh**2 + turn * dc * dh, 0))


def without_profile(path, scratch):
    """The JPEG file without its APP2 segments."""
    data, rest = path.read_bytes(), bytearray(b"\xff\xd8")
    at = 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        rest += b"" if data[at + 1] == 0xE2 else data[at:end]
        at = end
    stripped = scratch / path.name
    stripped.write_bytes(rest + data[at:])
    return stripped


def expected(path, program, scratch):
    image = Image.open(path)
    turned = ImageOps.exif_transpose(image) if image.format in ("JPEG", "WEBP", "TIFF") else image
    if profile := image.info.get("icc_profile"):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        relative, compensated = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
        target = ImageCms.createProfile("sRGB")
        if image.format == "JPEG" and image.mode == "RGB":
            turned = Image.fromarray(printed(program, without_profile(path, scratch), scratch)[..., :3].astype("uint8"))
        mode = "RGBA" if turned.mode == "RGBA" else "RGB"
        converted = ImageCms.profileToProfile(turned, source, target, relative, mode, flags=compensated)
        return numpy.asarray(converted.convert("RGBA")).astype(int)
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
                found, wanted = printed(program, path, scratch), expected(path, program, scratch)
            except Exception as error:
                wrong += 1
                print(f"{path.name}: {error}")
                continue
            if found.shape != wanted.shape:
                wrong += 1
                print(f"{path.name}: {found.shape[1]} x {found.shape[0]} px, expected {wanted.shape[1]} x {wanted.shape[0]}")
                continue
            visible = wanted[..., 3] > 0
            if Image.open(path).info.get("icc_profile"):
                distance = ciede2000(lab(found[..., :3]), lab(wanted[..., :3]))[visible]
                good = distance.mean() <= 1 and distance.max() <= 3
                wrong += not good
                print(f"{path.name}: CIEDE2000 {distance.mean():.3f} on average, {distance.max():.2f} at most{'' if good else '  TOO MUCH'}")
                continue
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
