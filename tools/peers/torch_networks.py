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


def conv(inputs, outputs, kernel, stride=1, groups=1, bias=False, act=None, eps=1e-3):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias), nn.BatchNorm2d(outputs, eps)]
    return nn.Sequential(*layers, *([act()] if act else []))


def relu():
    return nn.ReLU(inplace=True)


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


def one_layer(c):
    zeros = (c.ph, c.pw) if c.sh == 1 else (c.kh // 2, c.kw // 2)  # strided shapes may have one more behind than in front
    return nn.Conv2d(c.ic, c.oc, (c.kh, c.kw), (c.sh, c.sw), zeros, (c.dh + 1, c.dw + 1), c.g, bias=False)


def build(name, softmax=False):
    torch.manual_seed(1)
    if name.startswith("conv"):
        c = layers.read(name)
        return nn.Sequential(*[one_layer(c) for _ in range(layers.times(c))])
    model = globals()[name]()
    return nn.Sequential(model, nn.Softmax(1)) if softmax else model
