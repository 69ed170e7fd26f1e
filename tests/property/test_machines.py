"""Every filter gives the same bytes on processors with and without wide vectors."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# What OpenCV and numpy may choose at run time on x86-64; without them they run as on a machine of 2009.
OPENCV = "AVX512-SKX,AVX2,FMA3,FP16,AVX,SSE4.2,SSE4.1"
NUMPY = "AVX512_ICL X86_V4 X86_V3"
DIGESTS = """
import hashlib, json
import cv2
import numpy as np
from pixo.imaging import strips
from pixo.imaging.chain import parse
from pixo.imaging.filters import Place, registry
from tests.strategies import MODES, picture

AVX2 = 11  # OpenCV's number, which its Python module does not name
EXTRA = ("blur:0.7", "blur:9", "blur:50", "box:50", "brightness:1.1", "contrast:1.7", "sepia:0.37", "sharpen:3.3",
         "emboss:0.7", "unsharp:sigma=3:amount=4.9:threshold=2", "median:2", "median:4",
         "posterize:7", "pixelate:3", "pixelate:17")
found = {}
for text in (*registry(), *EXTRA):
    for mode in MODES:
        for depth in (8, 16):
            if text == "median:4" and depth == 16:
                continue
            pixels = picture(np.random.default_rng(1), (67, 131, len(mode)), depth)
            result = strips.apply(parse(text), pixels, Place(y0=0, width=131, height=67))
            found[f"{text} {mode} {depth}"] = hashlib.sha256(np.ascontiguousarray(result)).hexdigest()
print(json.dumps([cv2.checkHardwareSupport(AVX2), found]))
"""


def digests(**environment) -> tuple[bool, dict[str, str]]:
    """Tell whether OpenCV uses AVX2 and each filter's digest by mode and depth, from a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-c", DIGESTS], cwd=ROOT, env=os.environ | environment, capture_output=True, check=True
    )
    wide, found = json.loads(answer.stdout)
    return wide, found


def test_the_processor_does_not_matter() -> None:
    """Filters agree with what they give when OpenCV and numpy may not use AVX and the like."""
    wide, narrow = digests(OPENCV_CPU_DISABLE=OPENCV, NPY_DISABLE_CPU_FEATURES=NUMPY)

    assert not wide
    assert narrow == digests()[1]
