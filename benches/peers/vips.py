"""A part by libvips, as an expert writes it: each artwork decoded, resized and turned once, then rows on demand.

usage: vips.py LAYOUT.json PART OUT.png        needs: libvips, pyvips
"""
import json
import sys

import pyvips

with open(sys.argv[1]) as file:
    layout = json.load(file)
part = layout["parts"][int(sys.argv[2]) - 1]
prepared = {}


def artwork(placement):
    key = (placement["artwork"], placement["width"], placement["height"], placement["turn"])
    if key not in prepared:
        size = (placement["width"], placement["height"])
        width, height = reversed(size) if placement["turn"] in (90, 270) else size
        image = pyvips.Image.new_from_file(placement["artwork"], access="sequential")
        if (image.width, image.height) != (width, height):
            image = pyvips.Image.thumbnail(placement["artwork"], width, height=height, size="force")
        image = image.copy_memory()
        if placement["turn"]:
            image = image.rot(f"d{placement['turn']}").copy_memory()
        prepared[key] = image if image.hasalpha() else image.addalpha()
    return prepared[key]


film = pyvips.Image.black(part["width"], part["length"], bands=4).copy(interpretation="srgb")
for placement in part["placements"]:
    film = film.insert(artwork(placement), placement["x"], placement["y"])
per_mm = layout["dpi"] / 25.4
film.copy(xres=per_mm, yres=per_mm).pngsave(sys.argv[3], compression=1)
