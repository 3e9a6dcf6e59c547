"""A part by OpenCV: one canvas in memory.

usage: opencv.py LAYOUT.json PART OUT.png        needs: opencv-python-headless, numpy
"""
import json
import os
import sys

os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(1 << 40)
import cv2
import numpy

TURN = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}

with open(sys.argv[1]) as file:
    layout = json.load(file)
part = layout["parts"][int(sys.argv[2]) - 1]
film = numpy.zeros((part["length"], part["width"], 4), numpy.uint8)


def key(placement):
    return (placement["artwork"], placement["width"], placement["height"], placement["turn"])


last, image = None, None
for placement in sorted(part["placements"], key=key):
    x, y, width, height = (placement[name] for name in ("x", "y", "width", "height"))
    if key(placement) != last:
        last = key(placement)
        image = cv2.imread(placement["artwork"], cv2.IMREAD_UNCHANGED)
        if image.ndim == 2 or image.shape[2] == 3:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGRA if image.ndim == 2 else cv2.COLOR_BGR2BGRA)
        if placement["turn"]:
            image = cv2.rotate(image, TURN[placement["turn"]])
        if image.shape[:2] != (height, width):
            smaller = height < image.shape[0]
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LANCZOS4)
    film[y : y + height, x : x + width] = image
cv2.imwrite(sys.argv[3], film, [cv2.IMWRITE_PNG_COMPRESSION, 1])
