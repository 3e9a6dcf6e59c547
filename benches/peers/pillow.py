"""A part by Pillow, as most shops' scripts do it: one canvas in memory.

usage: pillow.py LAYOUT.json PART OUT.png        needs: pillow
"""
import json
import sys

from PIL import Image

Image.MAX_IMAGE_PIXELS = None
TURN = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}

with open(sys.argv[1]) as file:
    layout = json.load(file)
part = layout["parts"][int(sys.argv[2]) - 1]
film = Image.new("RGBA", (part["width"], part["length"]), (0, 0, 0, 0))


def key(placement):
    return (placement["artwork"], placement["width"], placement["height"], placement["turn"])


last, image = None, None
for placement in sorted(part["placements"], key=key):
    if key(placement) != last:
        last = key(placement)
        image = Image.open(placement["artwork"]).convert("RGBA")
        if placement["turn"]:
            image = image.transpose(TURN[placement["turn"]])
        if image.size != (placement["width"], placement["height"]):
            image = image.resize((placement["width"], placement["height"]), Image.Resampling.LANCZOS)
    film.paste(image, (placement["x"], placement["y"]))
film.save(sys.argv[3], dpi=(layout["dpi"], layout["dpi"]), compress_level=1)
