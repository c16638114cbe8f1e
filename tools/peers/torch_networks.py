# SPDX-License-Identifier: Apache-2.0
"""The networks of tools/peers/networks in PyTorch's words: build(name) gives a module that ends in logits."""
import layers
import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, path, shortcut=None, last=None):
        super().__init__()
        self.path, self.shortcut, self.last = path, shortcut or nn.Identity(), last or nn.Identity()

    def forward(self, x):
        return self.last(self.path(x) + self.shortcut(x))

class Branches(nn.Module):
    """Several paths from one input, concatenated."""

    def __init__(self, *paths):
        super().__init__()
        self.paths = nn.ModuleList(paths)

    def forward(self, x):
        return torch.cat([path(x) for path in self.paths], 1)


class Squeeze(nn.Module):
    """Squeeze and excite."""

    def __init__(self, channels, between, act, gate):
        super().__init__()
        self.path = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, between, 1), act(), nn.Conv2d(between, channels, 1), gate())

    def forward(self, x):
        return x * self.path(x)


class Level(nn.Module):
    """One level of a U-Net."""

    def __init__(self, before, below, behind):
        super().__init__()
        self.before, self.below, self.behind = before, below, behind

    def forward(self, x):
        x = self.before(x)
        return self.behind(torch.cat([x, self.below(x)], 1))


class LastNorm(nn.LayerNorm):
    """Over the channels of a picture."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Mix(nn.Module):
    """Dense layers over the channels of a picture."""

    def __init__(self, channels):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.path = nn.Sequential(nn.LayerNorm(channels, 1e-6), nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels))

    def forward(self, x):
        return x + self.path(self.depthwise(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def conv(inputs, outputs, kernel, stride=1, groups=1, bias=False, act=None, eps=1e-3):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias), nn.BatchNorm2d(outputs, eps)]
    return nn.Sequential(*layers, *([act()] if act else []))


def relu():
    return nn.ReLU(inplace=True)


def relu_kept():
    return nn.ReLU()


def relu6():
    return nn.ReLU6(inplace=True)


def a():
    return nn.Sequential(nn.Conv2d(1, 32, 5), relu(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 5), relu(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(1024, 1000), relu(), nn.Linear(1000, 10))


def b():
    return nn.Sequential(nn.Conv2d(3, 64, 5, padding=2), relu(), nn.Conv2d(64, 128, 3, padding=1), relu(), nn.MaxPool2d(2),
                         nn.Conv2d(128, 256, 3, padding=1), relu(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(65536, 1024), relu(), nn.Linear(1024, 10))


def c():
    return nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(32, 64, 3, padding=1), relu(),
                         nn.BatchNorm2d(64, 1e-3), nn.Conv2d(64, 128, 3, padding=1), nn.ELU(inplace=True), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(131072, 512), relu(), nn.Dropout(0.5), nn.Linear(512, 10))


def d():
    layers, channels = [], 3
    for filters in (32, 64, 128):
        layers += [nn.Conv2d(channels, filters, 3, padding=1), relu(), nn.Conv2d(filters, filters, 3, padding=1), relu(),
                   nn.MaxPool2d(2)]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2048, 128), relu(), nn.Linear(128, 10))


def resnet18():
    def block(channels, filters, stride):
        shortcut = conv(channels, filters, 1, stride) if stride > 1 else None
        return Residual(nn.Sequential(conv(channels, filters, 3, stride, act=relu), conv(filters, filters, 3)), shortcut, relu())

    layers, channels = [conv(3, 64, 7, 2, act=relu), nn.MaxPool2d(3, 2, 1)], 64
    for filters, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [block(channels, filters, stride), block(filters, filters, 1)]
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


def resnet50():
    def cell(inputs, outputs, kernel, stride=1, act=None):
        return conv(inputs, outputs, kernel, stride, bias=True, act=act, eps=1.001e-5)

    def block(channels, filters, stride, wider):
        path = nn.Sequential(cell(channels, filters, 1, stride, relu), cell(filters, filters, 3, 1, relu),
                             cell(filters, 4 * filters, 1))
        return Residual(path, cell(channels, 4 * filters, 1, stride) if wider else None, relu())

    layers, channels = [cell(3, 64, 7, 2, relu), nn.MaxPool2d(3, 2, 1)], 64
    for filters, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(blocks):
            layers.append(block(channels, filters, 1 if i else stride, i == 0))
            channels = 4 * filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def mobilenet_v2():
    def block(channels, expansion, filters, stride):
        wide = expansion * channels
        path = [conv(channels, wide, 1, act=relu6)] if expansion > 1 else []
        path = nn.Sequential(*path, conv(wide, wide, 3, stride, wide, act=relu6), conv(wide, filters, 1))
        return Residual(path) if stride == 1 and channels == filters else path

    layers, channels = [conv(3, 32, 3, 2, act=relu6)], 32
    for expansion, filters, blocks, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                               (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(blocks):
            layers.append(block(channels, expansion, filters, 1 if i else stride))
            channels = filters
    return nn.Sequential(*layers, conv(320, 1280, 1, act=relu6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000))


def vgg16():
    layers, channels = [], 3
    for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(channels, filters, 3, padding=1), relu()]
            channels = filters
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(25088, 4096), relu(), nn.Linear(4096, 4096), relu(),
                         nn.Linear(4096, 1000))


def mobilenet():
    layers, channels = [conv(3, 32, 3, 2, act=relu6)], 32
    for filters, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)):
        layers += [conv(channels, channels, 3, stride, channels, act=relu6), conv(channels, filters, 1, act=relu6)]
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


def mobilenet_v3():
    def block(channels, kernel, wide, filters, squeeze, act, stride):
        path = [conv(channels, wide, 1, act=act)] if wide != channels else []
        path.append(conv(wide, wide, kernel, stride, wide, act=act))
        if squeeze:
            path.append(Squeeze(wide, (wide // 4 + 4) // 8 * 8, relu, nn.Hardsigmoid))
        path = nn.Sequential(*path, conv(wide, filters, 1))
        return Residual(path) if stride == 1 and channels == filters else path

    layers, channels, hard = [conv(3, 16, 3, 2, act=nn.Hardswish)], 16, nn.Hardswish
    for kernel, wide, filters, squeeze, act, stride in (
            (3, 16, 16, False, relu, 1), (3, 64, 24, False, relu, 2), (3, 72, 24, False, relu, 1), (5, 72, 40, True, relu, 2),
            (5, 120, 40, True, relu, 1), (5, 120, 40, True, relu, 1), (3, 240, 80, False, hard, 2), (3, 200, 80, False, hard, 1),
            (3, 184, 80, False, hard, 1), (3, 184, 80, False, hard, 1), (3, 480, 112, True, hard, 1), (3, 672, 112, True, hard, 1),
            (5, 672, 160, True, hard, 2), (5, 960, 160, True, hard, 1), (5, 960, 160, True, hard, 1)):
        layers.append(block(channels, kernel, wide, filters, squeeze, act, stride))
        channels = filters
    return nn.Sequential(*layers, conv(160, 960, 1, act=hard), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(960, 1280), hard(), nn.Linear(1280, 1000))


def efficientnet_b0():
    def block(channels, expansion, kernel, filters, stride):
        wide = expansion * channels
        path = [conv(channels, wide, 1, act=nn.SiLU)] if expansion > 1 else []
        path = nn.Sequential(*path, conv(wide, wide, kernel, stride, wide, act=nn.SiLU),
                             Squeeze(wide, channels // 4, nn.SiLU, nn.Sigmoid), conv(wide, filters, 1))
        return Residual(path) if stride == 1 and channels == filters else path

    layers, channels = [conv(3, 32, 3, 2, act=nn.SiLU)], 32
    for expansion, kernel, filters, blocks, stride in ((1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2),
                                                       (6, 5, 112, 3, 1), (6, 5, 192, 4, 2), (6, 3, 320, 1, 1)):
        for i in range(blocks):
            layers.append(block(channels, expansion, kernel, filters, 1 if i else stride))
            channels = filters
    return nn.Sequential(*layers, conv(320, 1280, 1, act=nn.SiLU), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000))


def densenet121():
    def before(inputs, outputs, kernel):
        return [nn.BatchNorm2d(inputs, 1e-3), relu_kept(), nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)]

    layers, channels = [conv(3, 64, 7, 2, act=relu), nn.MaxPool2d(3, 2, 1)], 64
    for cells in (6, 12, 24, 16):
        for _ in range(cells):
            layers.append(Branches(nn.Identity(), nn.Sequential(*before(channels, 128, 1), *before(128, 32, 3))))
            channels += 32
        if cells != 16:
            layers += [*before(channels, channels // 2, 1), nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*layers, nn.BatchNorm2d(1024, 1e-3), relu(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


def unet():
    def pair(inputs, outputs):
        return nn.Sequential(conv(inputs, outputs, 3, act=relu), conv(outputs, outputs, 3, act=relu))

    below = pair(128, 256)
    for inputs, filters in ((64, 128), (32, 64), (16, 32), (3, 16)):
        path = nn.Sequential(nn.MaxPool2d(2), below, nn.ConvTranspose2d(2 * filters, filters, 2, 2))
        below = Level(pair(inputs, filters), path, pair(2 * filters, filters))
    return nn.Sequential(below, nn.Conv2d(16, 1, 1))


def convnext_tiny():
    layers, channels = [nn.Conv2d(3, 96, 4, 4), LastNorm(96, 1e-6)], 96
    for filters, blocks in ((96, 3), (192, 3), (384, 9), (768, 3)):
        if filters > 96:
            layers += [LastNorm(channels, 1e-6), nn.Conv2d(channels, filters, 2, 2)]
        layers += [Mix(filters) for _ in range(blocks)]
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(768, 1e-6), nn.Linear(768, 1000))


def one_layer(c):
    zeros = (c.ph, c.pw) if c.sh == 1 else (c.kh // 2, c.kw // 2)  # strided shapes may have one more behind than in front
    return nn.Conv2d(c.ic, c.oc, (c.kh, c.kw), (c.sh, c.sw), zeros, (c.dh + 1, c.dw + 1), c.g, bias=False)


PIXELS = {"unet"}  # a number for each pixel


def build(name, softmax=False):
    torch.manual_seed(1)
    if name.startswith("conv-"):
        c = layers.read(name)
        return nn.Sequential(*[one_layer(c) for _ in range(layers.times(c))])
    model = globals()[name]()
    return nn.Sequential(model, nn.Sigmoid() if name in PIXELS else nn.Softmax(1)) if softmax else model
