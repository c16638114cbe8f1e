# SPDX-License-Identifier: Apache-2.0
"""Layers as bench/shapes writes them: conv-g32ic32ih112oc32kh3ph1 (bench/bench_kernels.c tells what the letters mean)."""
import re
from types import SimpleNamespace

REPEATS = 8  # of a layer that can follow itself, in the network that is measured: what comes before and behind does not count much then


def read(text):
    c = SimpleNamespace(g=1, mb=1, ic=0, ih=1, iw=None, oc=0, oh=None, ow=None, kh=1, kw=None, sh=1, sw=None, ph=0, pw=None,
                        dh=0, dw=None)
    for name, value in re.findall(r"([a-z]+)(\d+)", text.split("-", 1)[1]):
        setattr(c, name, int(value))
    for name in ("iw", "kw", "sw", "pw", "dw"):
        if getattr(c, name) is None:
            setattr(c, name, getattr(c, name[0] + "h"))
    return c


def repeats(c):
    """Whether the layer can follow itself."""
    return c.ic == c.oc and c.sh == 1 and 2 * c.ph == (c.kh - 1) * (c.dh + 1) and 2 * c.pw == (c.kw - 1) * (c.dw + 1)


def times(c):
    return REPEATS if repeats(c) else 1


def is_depthwise(c):
    return c.g == c.ic == c.oc


def keras_text(c):
    window = c.kh if c.kh == c.kw else (c.kh, c.kw)
    given = f'padding="{"same" if c.ph or c.pw or c.sh > 1 else "valid"}", strides={c.sh}, dilation_rate={c.dh + 1}, use_bias=False'
    layer = f"layers.DepthwiseConv2D({window}, {given})" if is_depthwise(c) else \
        f"layers.Conv2D({c.oc}, {window}, groups={c.g}, {given})"
    return f"keras.Sequential([keras.Input(({c.ih}, {c.iw}, {c.ic})), {', '.join([layer] * times(c))}])"
