import torch, torch.nn as nn
import torch.nn.functional as F
from collections import OrderedDict

class Net(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super(Net, self).__init__()
        self.features = nn.Sequential(OrderedDict([("conv", nn.Conv2d(3, 16, 3, padding='same')), ("relu", nn.ReLU())]))
        layers = []
        for k in range(2):
            layers += [nn.Conv2d(16, 16, (3, 3), padding=1), nn.ReLU(inplace=True)]
        self.more = nn.Sequential(*layers)
        self.fc = nn.Linear(16 * 16 * 16, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.features(x)), 2)
        x = self.more(x)
        return self.fc(x.view(x.size(0), -1))

net = Net()
x = torch.randn(1, 3, 32, 32)
assert net(x).shape == (1, 10)
