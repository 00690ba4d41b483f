"""Networks as people paste them, one of each kind, with an input that fits."""

# ruff: noqa: E501 (lines as people write them)

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"

NETWORKS: dict[str, tuple[str, tuple[int, ...]]] = {}


def network(name: str, shape: tuple[int, ...], text: str) -> None:
    NETWORKS[name] = (HEAD + text, shape)


network(
    "lenet",
    (2, 1, 32, 32),
    '''
class LeNet(nn.Module):
    """Convolutions, pools, dense layers."""

    def __init__(self, num_classes: int = 10) -> None:
        super(LeNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(torch.tanh(self.conv2(x)), 2)
        x = x.view(-1, self.features_of(x))
        x = F.relu(self.fc1(x))
        return self.fc3(F.relu(self.fc2(x)))

    def features_of(self, x):
        count = 1
        for size in x.size()[1:]:
            count *= size
        return count
''',
)
network(
    "vgg",
    (1, 3, 32, 32),
    """
cfg = {
    "A": [8, "M", 16, "M", 24, 24, "M"],
    "B": [8, 8, "M", 16, 16, "M", 24, 24, "M"],
}

class VGG(nn.Module):
    def __init__(self, vgg_name="B", batch_norm=True):
        super().__init__()
        self.features = self._make_layers(cfg[vgg_name], batch_norm)
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(24 * 4 * 4, 32), nn.ReLU(True), nn.Linear(32, 10))

    def forward(self, x):
        out = self.features(x)
        out = out.view(out.size(0), -1)
        return self.classifier(out)

    def _make_layers(self, cfg, batch_norm):
        layers = []
        in_channels = 3
        for v in cfg:
            if v == "M":
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            else:
                conv = nn.Conv2d(in_channels, v, kernel_size=3, padding=1)
                layers += [conv, nn.BatchNorm2d(v), nn.ReLU(inplace=True)] if batch_norm else [conv, nn.ReLU(inplace=True)]
                in_channels = v
        return nn.Sequential(*layers)
""",
)
network(
    "resnet",
    (1, 3, 32, 32),
    """
def conv3x3(in_planes, out_planes, stride=1):
    return nn.Conv2d(in_planes, out_planes, kernel_size=3, stride=stride, padding=1, bias=False)

class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None):
        super(BasicBlock, self).__init__()
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        identity = x
        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)

class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inplanes, planes, stride=1, downsample=None):
        super(Bottleneck, self).__init__()
        width = int(planes * (64 / 64.0))
        self.conv1 = nn.Conv2d(inplanes, width, 1, bias=False)
        self.conv2 = conv3x3(width, width, stride)
        self.conv3 = nn.Conv2d(width, planes * self.expansion, 1, bias=False)
        self.downsample = downsample

    def forward(self, x):
        out = self.conv3(F.relu(self.conv2(F.relu(self.conv1(x)))))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)))

class ResNet(nn.Module):
    def __init__(self, block, layers, num_classes=10):
        self.inplanes = 8
        super(ResNet, self).__init__()
        self.conv1 = nn.Conv2d(3, 8, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 8, layers[0])
        self.layer2 = self._make_layer(block, 16, layers[1], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(16 * block.expansion, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)

    def _make_layer(self, block, planes, blocks, stride=1):
        downsample = None
        if stride != 1 or self.inplanes != planes * block.expansion:
            downsample = nn.Sequential(
                nn.Conv2d(self.inplanes, planes * block.expansion, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(planes * block.expansion),
            )
        layers = []
        layers.append(block(self.inplanes, planes, stride, downsample))
        self.inplanes = planes * block.expansion
        for _ in range(1, blocks):
            layers.append(block(self.inplanes, planes))
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        return self.fc(x)

model = ResNet(Bottleneck, [2, 2])
""",
)
network(
    "preact resnet",
    (1, 3, 16, 16),
    """
class PreActBlock(nn.Module):
    expansion: int = 1
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        if stride != 1 or in_planes != self.expansion * planes:
            self.shortcut = nn.Sequential(nn.Conv2d(in_planes, self.expansion * planes, 1, stride, bias=False))
    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        out = self.conv1(out)
        out = self.conv2(F.relu(self.bn2(out)))
        out += shortcut
        return out

class PreActResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=10):
        super().__init__()
        self.in_planes = 8
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        for i, (planes, n) in enumerate(zip([8, 16], num_blocks), start=1):
            setattr(self, f"layer{i}", self._make_layer(block, planes, n, stride=i))
        self.linear = nn.Linear(16, num_classes)
    def _make_layer(self, block, planes, num_blocks, stride):
        strides = [stride] + [1] * (num_blocks - 1)
        layers = []
        for stride in strides:
            layers.append(block(self.in_planes, planes, stride))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)
    def forward(self, x):
        out = self.conv1(x)
        for i in (1, 2):
            out = getattr(self, "layer%d" % i)(out)
        out = F.avg_pool2d(out, out.shape[-1])
        return self.linear(out.view(out.size(0), -1))

def PreActResNet10():
    return PreActResNet(PreActBlock, [1, 2])

def test():
    net = PreActResNet10()
    y = net(torch.randn(1, 3, 32, 32))
    print(y.size())

# test()
""",
)
network(
    "unet with lists",
    (1, 3, 32, 32),
    """
class DoubleConv(nn.Module):
    def __init__(self, in_ch, out_ch, mid=None):
        super().__init__()
        if not mid:
            mid = out_ch
        self.block = nn.Sequential(
            nn.Conv2d(in_ch, mid, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(mid), nn.ReLU(inplace=True),
            nn.Conv2d(mid, out_ch, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(out_ch), nn.ReLU(inplace=True),
        )
    def forward(self, x):
        return self.block(x)

class UNET(nn.Module):
    def __init__(self, in_channels=3, out_channels=1, features=[4, 8, 16]):
        super(UNET, self).__init__()
        self.ups = nn.ModuleList()
        self.downs = nn.ModuleList()
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        for feature in features:
            self.downs.append(DoubleConv(in_channels, feature))
            in_channels = feature
        for feature in reversed(features):
            self.ups.append(nn.ConvTranspose2d(feature * 2, feature, kernel_size=2, stride=2))
            self.ups.append(DoubleConv(feature * 2, feature))
        self.bottleneck = DoubleConv(features[-1], features[-1] * 2)
        self.final_conv = nn.Conv2d(features[0], out_channels, kernel_size=1)
    def forward(self, x):
        skip_connections = []
        for down in self.downs:
            x = down(x)
            skip_connections.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        skip_connections = skip_connections[::-1]
        for idx in range(0, len(self.ups), 2):
            x = self.ups[idx](x)
            skip = skip_connections[idx // 2]
            if x.shape != skip.shape:
                x = F.interpolate(x, size=skip.shape[2:])
            concat_skip = torch.cat((skip, x), dim=1)
            x = self.ups[idx + 1](concat_skip)
        return self.final_conv(x)
""",
)
network(
    "unet with padding",
    (1, 1, 30, 30),
    """
class Down(nn.Sequential):
    def __init__(self, a, b):
        super().__init__(nn.MaxPool2d(2), nn.Conv2d(a, b, 3, padding=1), nn.ReLU())

class Up(nn.Module):
    def __init__(self, in_channels, out_channels, bilinear=True):
        super().__init__()
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        else:
            self.up = nn.ConvTranspose2d(in_channels, in_channels // 2, kernel_size=2, stride=2)
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
    def forward(self, x1, x2):
        x1 = self.up(x1)
        diffY = x2.size()[2] - x1.size()[2]
        diffX = x2.size()[3] - x1.size()[3]
        x1 = F.pad(x1, [diffX // 2, diffX - diffX // 2, diffY // 2, diffY - diffY // 2])
        return self.conv(torch.cat([x2, x1], dim=1))

class UNet(nn.Module):
    def __init__(self, n_channels=1, n_classes=2):
        super(UNet, self).__init__()
        self.inc = nn.Conv2d(n_channels, 4, 3, padding=1)
        self.down1, self.down2 = Down(4, 8), Down(8, 16)
        self.up1 = Up(24, 8)
        self.up2 = Up(12, 4)
        self.outc = nn.Conv2d(4, n_classes, 1)
    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x = self.up1(x3, x2)
        x = self.up2(x, x1)
        logits = self.outc(x)
        return logits

if __name__ == "__main__":
    model = UNet()
    x = torch.randn(1, 1, 64, 64)
    assert model(x).shape == (1, 2, 64, 64)
""",
)
network(
    "densenet",
    (1, 3, 32, 32),
    """
from collections import OrderedDict

class _DenseLayer(nn.Sequential):
    def __init__(self, num_input_features, growth_rate, bn_size, drop_rate):
        super(_DenseLayer, self).__init__()
        self.add_module("norm1", nn.BatchNorm2d(num_input_features)),
        self.add_module("relu1", nn.ReLU(inplace=True)),
        self.add_module("conv1", nn.Conv2d(num_input_features, bn_size * growth_rate, kernel_size=1, bias=False)),
        self.add_module("norm2", nn.BatchNorm2d(bn_size * growth_rate)),
        self.add_module("relu2", nn.ReLU(inplace=False)),
        self.add_module("conv2", nn.Conv2d(bn_size * growth_rate, growth_rate, 3, padding=1, bias=False)),
        self.drop_rate = drop_rate
    def forward(self, x):
        new_features = super(_DenseLayer, self).forward(x)
        if self.drop_rate > 0:
            new_features = F.dropout(new_features, p=self.drop_rate, training=self.training)
        return torch.cat([x, new_features], 1)

class _DenseBlock(nn.Sequential):
    def __init__(self, num_layers, num_input_features, bn_size, growth_rate, drop_rate):
        super().__init__()
        for i in range(num_layers):
            layer = _DenseLayer(num_input_features + i * growth_rate, growth_rate, bn_size, drop_rate)
            self.add_module("denselayer%d" % (i + 1), layer)

class _Transition(nn.Sequential):
    def __init__(self, num_input_features, num_output_features):
        super().__init__()
        self.add_module("norm", nn.BatchNorm2d(num_input_features))
        self.add_module("conv", nn.Conv2d(num_input_features, num_output_features, 1, bias=False))
        self.add_module("pool", nn.AvgPool2d(kernel_size=2, stride=2))

class DenseNet(nn.Module):
    def __init__(self, growth_rate=4, block_config=(2, 3), num_init_features=8, bn_size=2, drop_rate=0.1, num_classes=5):
        super(DenseNet, self).__init__()
        self.features = nn.Sequential(OrderedDict([
            ("conv0", nn.Conv2d(3, num_init_features, kernel_size=7, stride=2, padding=3, bias=False)),
            ("norm0", nn.BatchNorm2d(num_init_features)),
            ("relu0", nn.ReLU(inplace=True)),
        ]))
        num_features = num_init_features
        for i, num_layers in enumerate(block_config):
            block = _DenseBlock(num_layers, num_features, bn_size, growth_rate, drop_rate)
            self.features.add_module("denseblock{}".format(i + 1), block)
            num_features = num_features + num_layers * growth_rate
            if i != len(block_config) - 1:
                trans = _Transition(num_features, num_features // 2)
                self.features.add_module(f"transition{i + 1}", trans)
                num_features = num_features // 2
        self.classifier = nn.Linear(num_features, num_classes)
    def forward(self, x):
        features = self.features(x)
        out = F.relu(features, inplace=True)
        out = F.adaptive_avg_pool2d(out, (1, 1)).view(features.size(0), -1)
        return self.classifier(out)
""",
)
network(
    "inception",
    (1, 3, 24, 24),
    """
from typing import List, Optional

class BasicConv2d(nn.Module):
    def __init__(self, in_channels, out_channels, **kwargs):
        super(BasicConv2d, self).__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)
    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)

class Inception(nn.Module):
    def __init__(self, in_channels: int, ch1x1: int, ch3x3: List[int], ch5x5: List[int], pool_proj: int, act: Optional[str] = None):
        super().__init__()
        self.branch1 = BasicConv2d(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(BasicConv2d(in_channels, ch3x3[0], kernel_size=1), BasicConv2d(*ch3x3, kernel_size=3, padding=1))
        self.branch3 = nn.Sequential(BasicConv2d(in_channels, ch5x5[0], kernel_size=1), BasicConv2d(*ch5x5, kernel_size=5, padding=2))
        self.branch4 = nn.Sequential(nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True), BasicConv2d(in_channels, pool_proj, kernel_size=1))
    def _forward(self, x) -> List[torch.Tensor]:
        return [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)]
    def forward(self, x):
        outputs = self._forward(x)
        return torch.cat(outputs, 1)

class GoogLe(nn.Module):
    __constants__ = ["aux"]
    def __init__(self):
        super().__init__()
        self.a = Inception(3, 4, [4, 8], [2, 4], 4)
        self.b = Inception(20, 4, [4, 8], [2, 4], 4)
        self.fc = nn.Linear(20, 4)
    def forward(self, x):
        x = self.b(F.max_pool2d(self.a(x), 3, stride=2, ceil_mode=True))
        return self.fc(x.mean([2, 3]))
""".replace('    __constants__ = ["aux"]\n', ""),
)
network(
    "squeeze and excite",
    (2, 8, 12, 12),
    """
class SELayer(nn.Module):
    def __init__(self, channel, reduction=4):
        super(SELayer, self).__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channel, channel // reduction, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(channel // reduction, channel, bias=False),
            nn.Sigmoid()
        )

    def forward(self, x):
        b, c, _, _ = x.size()
        y = self.avg_pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)

net = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), SELayer(8), nn.Conv2d(8, 4, 1))
""",
)
network(
    "cbam",
    (1, 8, 10, 10),
    """
class ChannelGate(nn.Module):
    def __init__(self, gate_channels, reduction_ratio=4, pool_types=("avg", "max", "lse")):
        super().__init__()
        self.mlp = nn.Sequential(nn.Flatten(), nn.Linear(gate_channels, gate_channels // reduction_ratio), nn.ReLU(), nn.Linear(gate_channels // reduction_ratio, gate_channels))
        self.pool_types = pool_types
    def forward(self, x):
        total = None
        for pool_type in self.pool_types:
            if pool_type == "avg":
                pooled = F.avg_pool2d(x, (x.size(2), x.size(3)), stride=(x.size(2), x.size(3)))
            elif pool_type == "max":
                pooled = F.max_pool2d(x, (x.size(2), x.size(3)))
            else:
                pooled = torch.logsumexp(x.view(x.size(0), x.size(1), -1), dim=2, keepdim=True).unsqueeze(-1)
            raw = self.mlp(pooled)
            total = raw if total is None else total + raw
        scale = torch.sigmoid(total).unsqueeze(2).unsqueeze(3).expand_as(x)
        return x * scale

class SpatialGate(nn.Module):
    def __init__(self):
        super().__init__()
        self.spatial = nn.Conv2d(2, 1, 7, stride=1, padding=(7 - 1) // 2)
    def forward(self, x):
        both = torch.cat((torch.max(x, 1)[0].unsqueeze(1), torch.mean(x, 1).unsqueeze(1)), dim=1)
        return x * torch.sigmoid(self.spatial(both))

class CBAM(nn.Module):
    def __init__(self, gate_channels=8, no_spatial=False):
        super().__init__()
        self.ChannelGate = ChannelGate(gate_channels)
        self.no_spatial = no_spatial
        if not no_spatial:
            self.SpatialGate = SpatialGate()
    def forward(self, x):
        out = self.ChannelGate(x)
        if not self.no_spatial:
            out = self.SpatialGate(out)
        return out
""",
)
network(
    "autoencoder",
    (2, 1, 28, 28),
    """
class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        # N, 1, 28, 28
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),  # -> N, 16, 14, 14
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 7)
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(64, 32, 7),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1),
            nn.Sigmoid()
        )

    def forward(self, x):
        encoded = self.encoder(x)
        decoded = self.decoder(encoded)
        return decoded
""",
)
network(
    "variational autoencoder",
    (2, 1, 28, 28),
    """
class VAE(nn.Module):
    def __init__(self, latent_dims=4):
        super(VAE, self).__init__()
        self.fc1 = nn.Linear(784, 40)
        self.fc21 = nn.Linear(40, latent_dims)
        self.fc22 = nn.Linear(40, latent_dims)
        self.fc3 = nn.Linear(latent_dims, 40)
        self.fc4 = nn.Linear(40, 784)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        if not self.training:
            return mu
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 784))
        z = self.reparameterize(mu, logvar)
        return self.decode(z)

def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 784), reduction="sum")
    return BCE - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
""",
)
network(
    "tcn",
    (1, 4, 50),
    """
from torch.nn.utils import weight_norm

class Chomp1d(nn.Module):
    def __init__(self, chomp_size):
        super(Chomp1d, self).__init__()
        self.chomp_size = chomp_size
    def forward(self, x):
        return x[:, :, :-self.chomp_size].contiguous()

class TemporalBlock(nn.Module):
    def __init__(self, n_inputs, n_outputs, kernel_size, stride, dilation, padding, dropout=0.2):
        super(TemporalBlock, self).__init__()
        self.conv1 = weight_norm(nn.Conv1d(n_inputs, n_outputs, kernel_size,
                                           stride=stride, padding=padding, dilation=dilation))
        self.chomp1 = Chomp1d(padding)
        self.relu1 = nn.ReLU()
        self.dropout1 = nn.Dropout(dropout)
        self.net = nn.Sequential(self.conv1, self.chomp1, self.relu1, self.dropout1)
        self.downsample = nn.Conv1d(n_inputs, n_outputs, 1) if n_inputs != n_outputs else None
        self.relu = nn.ReLU()
        self.init_weights()
    def init_weights(self):
        self.conv1.weight.data.normal_(0, 0.01)
        if self.downsample is not None:
            self.downsample.weight.data.normal_(0, 0.01)
    def forward(self, x):
        out = self.net(x)
        res = x if self.downsample is None else self.downsample(x)
        return self.relu(out + res)

class TemporalConvNet(nn.Module):
    def __init__(self, num_inputs, num_channels, kernel_size=2, dropout=0.2):
        super(TemporalConvNet, self).__init__()
        layers = []
        num_levels = len(num_channels)
        for i in range(num_levels):
            dilation_size = 2 ** i
            in_channels = num_inputs if i == 0 else num_channels[i-1]
            out_channels = num_channels[i]
            layers += [TemporalBlock(in_channels, out_channels, kernel_size, stride=1, dilation=dilation_size,
                                     padding=(kernel_size-1) * dilation_size, dropout=dropout)]
        self.network = nn.Sequential(*layers)
    def forward(self, x):
        return self.network(x)

tcn = TemporalConvNet(4, [8, 8, 6], kernel_size=3)
""",
)
network(
    "vision transformer",
    (2, 3, 16, 16),
    """
import math
from functools import partial

class PatchEmbed(nn.Module):
    def __init__(self, img_size=16, patch_size=4, in_chans=3, embed_dim=24):
        super().__init__()
        self.n_patches = (img_size // patch_size) ** 2
        self.proj = nn.Conv2d(in_chans, embed_dim, kernel_size=patch_size, stride=patch_size)
    def forward(self, x):
        x = self.proj(x)
        x = x.flatten(2).transpose(1, 2)
        return x

class Attention(nn.Module):
    def __init__(self, dim, n_heads=3, qkv_bias=True):
        super().__init__()
        self.n_heads = n_heads
        self.head_dim = dim // n_heads
        self.scale = self.head_dim ** -0.5
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)
    def forward(self, x):
        n_samples, n_tokens, dim = x.shape
        if dim != self.qkv.in_features:
            raise ValueError
        qkv = self.qkv(x).reshape(n_samples, n_tokens, 3, self.n_heads, self.head_dim)
        qkv = qkv.permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        dp = (q @ k.transpose(-2, -1)) * self.scale
        attn = dp.softmax(dim=-1)
        weighted_avg = (attn @ v).transpose(1, 2).flatten(2)
        return self.proj(weighted_avg)

class Block(nn.Module):
    def __init__(self, dim, n_heads, mlp_ratio=4.0, norm_layer=nn.LayerNorm, act_layer=nn.GELU):
        super().__init__()
        self.norm1 = norm_layer(dim, eps=1e-6)
        self.attn = Attention(dim, n_heads=n_heads)
        self.norm2 = norm_layer(dim, eps=1e-6)
        hidden = int(dim * mlp_ratio)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), act_layer(), nn.Linear(hidden, dim))
    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))

class VisionTransformer(nn.Module):
    def __init__(self, img_size=16, patch_size=4, in_chans=3, n_classes=7, embed_dim=24, depth=2, n_heads=3, p=0.0):
        super().__init__()
        self.patch_embed = PatchEmbed(img_size, patch_size, in_chans, embed_dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + self.patch_embed.n_patches, embed_dim) * 0.02)
        self.pos_drop = nn.Dropout(p=p)
        dpr = [x.item() for x in torch.linspace(0, 0.1, depth)]
        self.rates = dpr
        self.blocks = nn.ModuleList([Block(dim=embed_dim, n_heads=n_heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)
        self.head = nn.Linear(embed_dim, n_classes) if n_classes > 0 else nn.Identity()
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        self.apply(self._init_weights)
    def _init_weights(self, m):
        if isinstance(m, nn.Linear):
            nn.init.trunc_normal_(m.weight, std=.02)
            if isinstance(m, nn.Linear) and m.bias is not None:
                nn.init.constant_(m.bias, 0)
    def forward(self, x):
        n_samples = x.shape[0]
        x = self.patch_embed(x)
        cls_token = self.cls_token.expand(n_samples, -1, -1)
        x = torch.cat((cls_token, x), dim=1)
        x = x + self.pos_embed
        x = self.pos_drop(x)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        cls_token_final = x[:, 0]
        return self.head(cls_token_final)
""",
)
network(
    "attention by einsum",
    (2, 6, 8, 8),
    """
class Attn(nn.Module):
    def __init__(self, dim, heads=2):
        super().__init__()
        self.heads, self.dim_head = heads, dim // heads
        self.to_qkv = nn.Conv2d(dim, dim * 3, 1, bias=False)
        self.to_out = nn.Conv2d(dim, dim, 1)
    def forward(self, x):
        b, c, h, w = x.shape
        q, k, v = map(lambda t: t.reshape(b, self.heads, self.dim_head, h * w), self.to_qkv(x).chunk(3, dim=1))
        sim = torch.einsum("b h d i, b h d j -> b h i j", q * self.dim_head ** -0.5, k)
        attn = (sim - sim.amax(dim=-1, keepdim=True).detach()).softmax(dim=-1)
        out = torch.einsum("bhij,bhdj->bhid", attn, v)
        out = out.permute(0, 1, 3, 2).reshape(b, c, h, w)
        return self.to_out(out)

class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn
    def forward(self, x, *args, **kwargs):
        return self.fn(x, *args, **kwargs) + x

model = nn.Sequential(Residual(Attn(6)), nn.GroupNorm(1, 6))
""",
)
network(
    "multihead attention",
    (2, 10, 16),
    """
class Encoder(nn.Module):
    def __init__(self, d=16, heads=4):
        super().__init__()
        self.attn = nn.MultiheadAttention(d, heads, dropout=0.1, batch_first=True)
        self.ln = nn.LayerNorm(d)
        self.ff = nn.ModuleDict({"up": nn.Linear(d, 2 * d), "down": nn.Linear(2 * d, d)})
    def forward(self, x):
        a, _ = self.attn(x, x, x, need_weights=False)
        x = self.ln(x + a)
        return x + self.ff["down"](F.gelu(self.ff["up"](x)))
""",
)
network(
    "gan pair generator",
    (2, 16, 1, 1),
    """
nz, ngf, ndf, nc = 16, 8, 8, 3

def weights_init(m):
    classname = type(m).__name__
    if classname.find("Conv") != -1:
        m.weight.data.normal_(0.0, 0.02)

class Generator(nn.Module):
    def __init__(self, ngpu=1):
        super(Generator, self).__init__()
        self.ngpu = ngpu
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 4, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 4),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 4, ngf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, nc, 4, 2, 1, bias=False),
            nn.Tanh()
        )

    def forward(self, input):
        if input.is_cuda and self.ngpu > 1:
            output = nn.parallel.data_parallel(self.main, input, range(self.ngpu))
        else:
            output = self.main(input)
        return output

netG = Generator()
""",
)
network(
    "gan pair discriminator",
    (2, 3, 16, 16),
    """
class Discriminator(nn.Module):
    def __init__(self, channels=3, size=16):
        super().__init__()

        def discriminator_block(in_filters, out_filters, bn=True):
            block = [nn.Conv2d(in_filters, out_filters, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Dropout2d(0.25)]
            if bn:
                block.append(nn.BatchNorm2d(out_filters, 0.8))
            return block

        self.model = nn.Sequential(
            *discriminator_block(channels, 4, bn=False),
            *discriminator_block(4, 8),
            *discriminator_block(8, 16),
        )
        ds_size = size // 2 ** 3
        self.adv_layer = nn.Sequential(nn.Linear(16 * ds_size ** 2, 1), nn.Sigmoid())

    def forward(self, img):
        out = self.model(img)
        out = out.view(out.shape[0], -1)
        validity = self.adv_layer(out)
        return validity
""",
)
network(
    "mobilenet v1",
    (1, 3, 32, 32),
    """
class MobileNet(nn.Module):
    # (128,2) means conv planes=128, conv stride=2
    cfg = [8, (16, 2), 16, (24, 2), 24]

    def __init__(self, num_classes=10):
        super(MobileNet, self).__init__()
        self.conv1 = nn.Conv2d(3, 4, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layers = self._make_layers(in_planes=4)
        self.linear = nn.Linear(24, num_classes)

    @staticmethod
    def block(in_planes, out_planes, stride):
        return nn.Sequential(
            nn.Conv2d(in_planes, in_planes, 3, stride, 1, groups=in_planes, bias=False),
            nn.BatchNorm2d(in_planes), nn.ReLU6(),
            nn.Conv2d(in_planes, out_planes, 1, bias=False), nn.BatchNorm2d(out_planes), nn.ReLU6())

    def _make_layers(self, in_planes):
        layers = []
        for x in self.cfg:
            out_planes = x if isinstance(x, int) else x[0]
            stride = 1 if isinstance(x, int) else x[1]
            layers.append(self.block(in_planes, out_planes, stride))
            in_planes = out_planes
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layers(out)
        out = F.adaptive_avg_pool2d(out, 1)
        out = out.view(out.size(0), -1)
        return self.linear(out)
""",
)
network(
    "mobilenet v2",
    (1, 3, 32, 32),
    """
def _make_divisible(v, divisor, min_value=None):
    if min_value is None:
        min_value = divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    if new_v < 0.9 * v:
        new_v += divisor
    return new_v

class ConvBNReLU(nn.Sequential):
    def __init__(self, in_planes, out_planes, kernel_size=3, stride=1, groups=1, norm_layer=None):
        padding = (kernel_size - 1) // 2
        if norm_layer is None:
            norm_layer = nn.BatchNorm2d
        super(ConvBNReLU, self).__init__(
            nn.Conv2d(in_planes, out_planes, kernel_size, stride, padding, groups=groups, bias=False),
            norm_layer(out_planes),
            nn.ReLU6(inplace=True)
        )

class InvertedResidual(nn.Module):
    def __init__(self, inp, oup, stride, expand_ratio):
        super().__init__()
        self.stride = stride
        assert stride in [1, 2]
        hidden_dim = int(round(inp * expand_ratio))
        self.use_res_connect = self.stride == 1 and inp == oup
        layers = []
        if expand_ratio != 1:
            layers.append(ConvBNReLU(inp, hidden_dim, kernel_size=1))
        layers.extend([
            ConvBNReLU(hidden_dim, hidden_dim, stride=stride, groups=hidden_dim),
            nn.Conv2d(hidden_dim, oup, 1, 1, 0, bias=False),
            nn.BatchNorm2d(oup),
        ])
        self.conv = nn.Sequential(*layers)
    def forward(self, x):
        if self.use_res_connect:
            return x + self.conv(x)
        return self.conv(x)

class MobileNetV2(nn.Module):
    def __init__(self, num_classes=10, width_mult=1.0, inverted_residual_setting=None, round_nearest=8):
        super(MobileNetV2, self).__init__()
        block = InvertedResidual
        input_channel = 8
        if inverted_residual_setting is None:
            inverted_residual_setting = [
                # t, c, n, s
                [1, 8, 1, 1],
                [6, 16, 2, 2],
            ]
        if len(inverted_residual_setting) == 0 or len(inverted_residual_setting[0]) != 4:
            raise ValueError("inverted_residual_setting should be non-empty, got {}".format(inverted_residual_setting))
        input_channel = _make_divisible(input_channel * width_mult, round_nearest)
        features = [ConvBNReLU(3, input_channel, stride=2)]
        for t, c, n, s in inverted_residual_setting:
            output_channel = _make_divisible(c * width_mult, round_nearest)
            for i in range(n):
                stride = s if i == 0 else 1
                features.append(block(input_channel, output_channel, stride, expand_ratio=t))
                input_channel = output_channel
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(input_channel, num_classes))
    def forward(self, x):
        x = self.features(x)
        x = nn.functional.adaptive_avg_pool2d(x, (1, 1)).reshape(x.shape[0], -1)
        return self.classifier(x)
""",
)
network(
    "shufflenet",
    (1, 8, 8, 8),
    """
def channel_shuffle(x, groups: int):
    batchsize, num_channels, height, width = x.data.size()
    channels_per_group = num_channels // groups
    x = x.view(batchsize, groups, channels_per_group, height, width)
    x = torch.transpose(x, 1, 2).contiguous()
    return x.view(batchsize, -1, height, width)

class Unit(nn.Module):
    def __init__(self, inp, stride):
        super().__init__()
        if not (1 <= stride <= 3):
            raise ValueError("illegal stride value")
        half = inp // 2
        self.branch2 = nn.Sequential(nn.Conv2d(half, half, 1), nn.ReLU(), self.depthwise_conv(half, half, 3, stride, 1))
    @staticmethod
    def depthwise_conv(i, o, kernel_size, stride=1, padding=0, bias=False):
        return nn.Conv2d(i, o, kernel_size, stride, padding, bias=bias, groups=i)
    def forward(self, x):
        x1, x2 = x.chunk(2, dim=1)
        out = torch.cat((x1, self.branch2(x2)), dim=1)
        return channel_shuffle(out, 2)

class Net(nn.Module):
    def __init__(self, repeats: list = [1, 2]):
        super().__init__()
        stages = [[Unit(8, 1) for _ in range(n)] for n in repeats]
        self.stages = nn.Sequential(*[nn.Sequential(*stage) for stage in stages])
    def forward(self, x):
        return self.stages(x)
""",
)
network(
    "fire modules",
    (1, 3, 20, 20),
    """
class Fire(nn.Module):
    def __init__(self, inplanes, squeeze_planes, expand1x1_planes, expand3x3_planes):
        super().__init__()
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, kernel_size=1)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, kernel_size=3, padding=1)
    def forward(self, x):
        x = self.squeeze_activation(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)

class Squeeze(nn.Module):
    def __init__(self, version="1_1", num_classes=4):
        super().__init__()
        if version not in ("1_0", "1_1"):
            raise ValueError(f"Unsupported version {version}: 1_0 or 1_1 expected")
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(True), nn.MaxPool2d(3, 2, ceil_mode=True), Fire(8, 2, 8, 8), Fire(16, 4, 8, 8))
        final_conv = nn.Conv2d(16, num_classes, kernel_size=1)
        self.classifier = nn.Sequential(nn.Dropout(p=0.5), final_conv, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1)))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                if m is final_conv:
                    nn.init.normal_(m.weight, mean=0.0, std=0.01)
                else:
                    nn.init.kaiming_uniform_(m.weight)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
    def forward(self, x):
        return torch.flatten(self.classifier(self.features(x)), 1)
""",
)
network(
    "convnext block",
    (1, 8, 14, 14),
    """
class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)

class Block(nn.Module):
    def __init__(self, dim, layer_scale_init_value=1e-6):
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(layer_scale_init_value * torch.ones((dim)), requires_grad=True) if layer_scale_init_value > 0 else None
    def forward(self, x):
        input = x
        x = self.dwconv(x)
        x = x.permute(0, 2, 3, 1)
        x = self.pwconv2(self.act(self.pwconv1(self.norm(x))))
        if self.gamma is not None:
            x = self.gamma * x
        return input + x.permute(0, 3, 1, 2)

class ConvNeXtish(nn.Module):
    def __init__(self, dims=(8, 12), depths=(1, 2)):
        super().__init__()
        self.downsample_layers = nn.ModuleList()
        self.stages = nn.ModuleList()
        for i in range(len(dims)):
            if i:
                self.downsample_layers.append(nn.Sequential(LayerNorm2d(dims[i - 1]), nn.Conv2d(dims[i - 1], dims[i], 2, stride=2)))
            else:
                self.downsample_layers.append(nn.Identity())
            self.stages.append(nn.Sequential(*[Block(dims[i]) for j in range(depths[i])]))
    def forward(self, x):
        for i in range(2):
            x = self.downsample_layers[i](x)
            x = self.stages[i](x)
        return x.mean([-2, -1])
""",
)
network(
    "efficient",
    (1, 3, 16, 16),
    """
from dataclasses import dataclass

@dataclass
class BlockConfig:
    channels: int
    expand: float = 4.0
    kernel: int = 3
    stride: int = 1

class Swish(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)

class MBConv(nn.Module):
    def __init__(self, c_in, cfg: BlockConfig):
        super().__init__()
        mid = int(c_in * cfg.expand)
        self.expand = nn.Sequential(nn.Conv2d(c_in, mid, 1, bias=False), nn.BatchNorm2d(mid), Swish())
        self.depth = nn.Conv2d(mid, mid, cfg.kernel, cfg.stride, cfg.kernel // 2, groups=mid)
        self.project = nn.Conv2d(mid, cfg.channels, 1)
        self.skip = cfg.stride == 1 and c_in == cfg.channels
    def forward(self, x):
        y = self.project(self.depth(self.expand(x)))
        return y + x if self.skip else y

CONFIGS = [BlockConfig(8, stride=2), BlockConfig(8, expand=2), BlockConfig(channels=12, kernel=5)]

class Efficient(nn.Module):
    def __init__(self, configs=CONFIGS):
        super().__init__()
        blocks, c = [], 3
        for config in configs:
            blocks.append(MBConv(c, config))
            c = config.channels
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Linear(c, 2)
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x.flatten(2).mean(-1))
""",
)
network(
    "feature pyramid",
    (1, 3, 32, 32),
    """
class FPN(nn.Module):
    def __init__(self, chans=[8, 16, 24], out=6):
        super().__init__()
        self.stem = nn.Conv2d(3, chans[0], 3, 2, 1)
        self.stages = nn.ModuleList([nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(chans, chans[1:])])
        self.lateral = nn.ModuleDict({f"p{i}": nn.Conv2d(c, out, 1) for i, c in enumerate(chans)})
        self.smooth = nn.Conv2d(out, out, 3, padding=1)
    def _upsample_add(self, x, y):
        _, _, H, W = y.size()
        return F.interpolate(x, size=(H, W), mode="bilinear", align_corners=False) + y
    def forward(self, x):
        feats = [F.relu(self.stem(x))]
        for stage in self.stages:
            feats.append(F.relu(stage(feats[-1])))
        p = self.lateral["p2"](feats[2])
        outs = [p]
        for i in (1, 0):
            p = self._upsample_add(p, self.lateral[f"p{i}"](feats[i]))
            outs.insert(0, p)
        return self.smooth(outs[0])
""",
)
network(
    "aspp",
    (1, 4, 24, 24),
    """
class ASPPPooling(nn.Sequential):
    def __init__(self, in_channels, out_channels):
        super().__init__(nn.AdaptiveAvgPool2d(1), nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.ReLU())
    def forward(self, x):
        size = x.shape[-2:]
        for mod in self:
            x = mod(x)
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)

class ASPP(nn.Module):
    def __init__(self, in_channels=4, atrous_rates=[2, 4, 6], out_channels=5):
        super().__init__()
        modules = []
        modules.append(nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.ReLU()))
        for rate in tuple(atrous_rates):
            modules.append(nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=rate, dilation=rate, bias=False), nn.ReLU()))
        modules.append(ASPPPooling(in_channels, out_channels))
        self.convs = nn.ModuleList(modules)
        self.project = nn.Conv2d(len(self.convs) * out_channels, out_channels, 1, bias=False)
    def forward(self, x):
        _res = []
        for conv in self.convs:
            _res.append(conv(x))
        res = torch.cat(_res, dim=1)
        return self.project(res)
""",
)
network(
    "hourglass",
    (1, 4, 16, 16),
    """
class Hourglass(nn.Module):
    def __init__(self, n, f):
        super().__init__()
        self.up1 = nn.Conv2d(f, f, 3, padding=1)
        self.pool1 = nn.MaxPool2d(2, 2)
        self.low1 = nn.Conv2d(f, f, 3, padding=1)
        self.n = n
        # Recursive
        if self.n > 1:
            self.low2 = Hourglass(n - 1, f)
        else:
            self.low2 = nn.Conv2d(f, f, 3, padding=1)
        self.up2 = nn.Upsample(scale_factor=2, mode="nearest")
    def forward(self, x):
        up1 = self.up1(x)
        low = self.low2(self.low1(self.pool1(x)))
        return up1 + self.up2(low)

net = Hourglass(3, 4)
""",
)
network(
    "wavenet",
    (1, 1, 64),
    """
class GatedBlock(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.filter = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.gate = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.residual = nn.Conv1d(channels, channels, 1)
        self.dilation = dilation
    def forward(self, x):
        padded = F.pad(x, (self.dilation, 0))
        z = torch.tanh(self.filter(padded)) * torch.sigmoid(self.gate(padded))
        z = self.residual(z)
        return x + z, z

class WaveNet(nn.Module):
    def __init__(self, channels=6, layers=4):
        super().__init__()
        self.front = nn.Conv1d(1, channels, 1)
        self.blocks = nn.ModuleList(GatedBlock(channels, 2 ** i) for i in range(layers))
        self.end = nn.Sequential(nn.ReLU(), nn.Conv1d(channels, 3, 1))
    def forward(self, x):
        x = self.front(x)
        skips = []
        for block in self.blocks:
            x, skip = block(x)
            skips.append(skip)
        return self.end(sum(skips))
""",
)
network(
    "voxels",
    (1, 1, 8, 8, 8),
    """
class VoxNet(nn.Module):
    def __init__(self, n_classes=4, input_shape=(8, 8, 8)):
        super(VoxNet, self).__init__()
        self.body = nn.Sequential(
            nn.Conv3d(in_channels=1, out_channels=4, kernel_size=3, stride=1), nn.LeakyReLU(), nn.Dropout3d(0.2),
            nn.MaxPool3d(2),
        )
        with torch.no_grad():
            x = self.body(torch.zeros((1, 1, *input_shape)))
        first_fc_in_features = 1
        for n in x.size()[1:]:
            first_fc_in_features *= n
        self.head = nn.Sequential(nn.Linear(first_fc_in_features, 8), nn.ReLU(), nn.Linear(8, n_classes))
    def forward(self, x):
        x = self.body(x)
        x = x.view(x.size(0), -1)
        return self.head(x)
""",
)
network(
    "size found by a dry run",
    (2, 3, 20, 20),
    """
class Agent(nn.Module):
    def __init__(self, input_shape=(3, 20, 20), n_actions=4):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(input_shape[0], 6, kernel_size=5, stride=2), nn.ReLU(), nn.Conv2d(6, 8, 3), nn.ReLU())
        conv_out_size = self._get_conv_out(input_shape)
        self.fc = nn.Sequential(nn.Linear(conv_out_size, 16), nn.ReLU(), nn.Linear(16, n_actions))
    def _get_conv_out(self, shape):
        o = self.conv(torch.zeros(1, *shape))
        return int(o.numel() / o.size(0))
    def forward(self, x):
        conv_out = self.conv(x.float() / 255).view(x.size()[0], -1)
        return self.fc(conv_out)
""",
)
network(
    "dueling",
    (2, 4, 12, 12),
    """
class Dueling(nn.Module):
    def __init__(self, h=12, w=12, outputs=3):
        super().__init__()
        self.conv1 = nn.Conv2d(4, 8, kernel_size=4, stride=2)

        def conv2d_size_out(size, kernel_size=4, stride=2):
            return (size - (kernel_size - 1) - 1) // stride + 1

        convw, convh = conv2d_size_out(w), conv2d_size_out(h)
        linear_input_size = convw * convh * 8
        self.value = nn.Linear(linear_input_size, 1)
        self.advantage = nn.Linear(linear_input_size, outputs)
    def forward(self, x):
        x = F.relu(self.conv1(x)).flatten(start_dim=1)
        value, advantage = self.value(x), self.advantage(x)
        return value + advantage - advantage.mean(dim=1, keepdim=True)
""",
)
network(
    "siamese of shared weights",
    (4, 1, 12, 12),
    """
class Twin(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.InstanceNorm2d(4))
        self.fc = nn.Linear(4 * 12 * 12, 3)
    def forward_once(self, x):
        output = self.cnn(x)
        output = output.view(output.size()[0], -1)
        return F.normalize(self.fc(output), p=2, dim=1)
    def forward(self, pair):
        input1, input2 = torch.split(pair, pair.shape[0] // 2, dim=0)
        return torch.abs(self.forward_once(input1) - self.forward_once(input2))
""",
)
network(
    "style transfer",
    (1, 3, 20, 20),
    """
class ConvLayer(torch.nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride):
        super(ConvLayer, self).__init__()
        reflection_padding = kernel_size // 2
        self.reflection_pad = torch.nn.ReflectionPad2d(reflection_padding)
        self.conv2d = torch.nn.Conv2d(in_channels, out_channels, kernel_size, stride)
    def forward(self, x):
        out = self.reflection_pad(x)
        return self.conv2d(out)

class ResidualBlock(torch.nn.Module):
    def __init__(self, channels):
        super(ResidualBlock, self).__init__()
        self.conv1 = ConvLayer(channels, channels, kernel_size=3, stride=1)
        self.in1 = torch.nn.InstanceNorm2d(channels, affine=True)
        self.relu = torch.nn.ReLU()
    def forward(self, x):
        residual = x
        out = self.relu(self.in1(self.conv1(x)))
        out = out + residual
        return out

class UpsampleConvLayer(torch.nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride, upsample=None):
        super().__init__()
        self.upsample = upsample
        self.conv = ConvLayer(in_channels, out_channels, kernel_size, stride)
    def forward(self, x):
        x_in = x
        if self.upsample:
            x_in = torch.nn.functional.interpolate(x_in, mode="nearest", scale_factor=self.upsample)
        return self.conv(x_in)

class TransformerNet(torch.nn.Module):
    def __init__(self):
        super(TransformerNet, self).__init__()
        self.conv1 = ConvLayer(3, 4, kernel_size=9, stride=1)
        self.conv2 = ConvLayer(4, 8, kernel_size=3, stride=2)
        self.res1 = ResidualBlock(8)
        self.deconv1 = UpsampleConvLayer(8, 3, kernel_size=3, stride=1, upsample=2)
        self.relu = torch.nn.ReLU()
    def forward(self, X):
        y = self.relu(self.conv1(X))
        y = self.relu(self.conv2(y))
        return self.deconv1(self.res1(y))
""",
)
network(
    "super resolution",
    (1, 1, 10, 10),
    """
import torch.nn.init as init

class Net(nn.Module):
    def __init__(self, upscale_factor=3):
        super(Net, self).__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 8, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(8, upscale_factor ** 2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.pixel_shuffle(self.conv2(x))
        return x

    def _initialize_weights(self):
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv2.weight)
""",
)
network(
    "recurrent head",
    (2, 1, 16, 20),
    """
class CRNN(nn.Module):
    def __init__(self, n_class=5, hidden=6):
        super().__init__()
        cnn = nn.Sequential()
        def convRelu(i, nIn, nOut, batchNormalization=False):
            cnn.add_module("conv{0}".format(i), nn.Conv2d(nIn, nOut, 3, 1, 1))
            if batchNormalization:
                cnn.add_module("batchnorm{0}".format(i), nn.BatchNorm2d(nOut))
            cnn.add_module("relu{0}".format(i), nn.ReLU(True))
        convRelu(0, 1, 4)
        cnn.add_module("pooling0", nn.MaxPool2d(2, 2))
        convRelu(1, 4, 8, True)
        cnn.add_module("pooling1", nn.MaxPool2d((8, 1), (8, 1)))
        self.cnn = cnn
        self.rnn = nn.LSTM(8, hidden, bidirectional=True)
        self.embedding = nn.Linear(hidden * 2, n_class)
    def forward(self, input):
        conv = self.cnn(input)
        b, c, h, w = conv.size()
        assert h == 1, "the height of conv must be 1"
        conv = conv.squeeze(2)
        conv = conv.permute(2, 0, 1)
        recurrent, _ = self.rnn(conv)
        T, b, h = recurrent.size()
        output = self.embedding(recurrent.view(T * b, h))
        return output.view(T, b, -1)
""",
)
network(
    "segnet with indices",
    (1, 2, 16, 16),
    """
class SegNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc1 = nn.Conv2d(2, 4, 3, padding=1)
        self.enc2 = nn.Conv2d(4, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(2, stride=2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2, stride=2)
        self.dec2 = nn.Conv2d(8, 4, 3, padding=1)
        self.dec1 = nn.Conv2d(4, 2, 3, padding=1)
    def forward(self, x):
        x, i1 = self.pool(F.relu(self.enc1(x)))
        x, i2 = self.pool(F.relu(self.enc2(x)))
        x = F.relu(self.dec2(self.unpool(x, i2)))
        return self.dec1(self.unpool(x, i1))
""",
)
network(
    "mlp mixer",
    (1, 3, 16, 16),
    """
from functools import partial
pair = lambda x: x if isinstance(x, tuple) else (x, x)

class PreNormResidual(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.fn = fn
        self.norm = nn.LayerNorm(dim)
    def forward(self, x):
        return self.fn(self.norm(x)) + x

def FeedForward(dim, expansion_factor=4, dropout=0., dense=nn.Linear):
    inner_dim = int(dim * expansion_factor)
    return nn.Sequential(dense(dim, inner_dim), nn.GELU(), nn.Dropout(dropout), dense(inner_dim, dim), nn.Dropout(dropout))

class Patches(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p
    def forward(self, x):
        b, c, h, w = x.shape
        x = x.unfold(2, self.p, self.p).unfold(3, self.p, self.p)
        return x.permute(0, 2, 3, 1, 4, 5).reshape(b, -1, c * self.p ** 2)

class Pool(nn.Module):
    def forward(self, x):
        return x.mean(dim=1)

def MLPMixer(*, image_size, channels, patch_size, dim, depth, num_classes, expansion_factor=4, expansion_factor_token=0.5):
    image_h, image_w = pair(image_size)
    assert (image_h % patch_size) == 0 and (image_w % patch_size) == 0, "image must be divisible by patch size"
    num_patches = (image_h // patch_size) * (image_w // patch_size)
    chan_first, chan_last = partial(nn.Conv1d, kernel_size=1), nn.Linear
    return nn.Sequential(
        Patches(patch_size),
        nn.Linear((patch_size ** 2) * channels, dim),
        *[nn.Sequential(
            PreNormResidual(dim, FeedForward(num_patches, expansion_factor, 0., chan_first)),
            PreNormResidual(dim, FeedForward(dim, expansion_factor_token, 0., chan_last))
        ) for _ in range(depth)],
        nn.LayerNorm(dim),
        Pool(),
        nn.Linear(dim, num_classes)
    )

model = MLPMixer(image_size=16, channels=3, patch_size=4, dim=12, depth=2, num_classes=5)
""",
)
network(
    "activation by name",
    (1, 3, 8, 8),
    """
ACTIVATIONS = {"relu": nn.ReLU, "leaky": lambda: nn.LeakyReLU(0.1), "swish": nn.SiLU}

class Conv(nn.Module):
    default_act = nn.SiLU()

    def __init__(self, c1, c2, k=1, s=1, p=None, g=1, act=True):
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, autopad(k, p), groups=g, bias=False)
        self.act = self.default_act if act is True else act if isinstance(act, nn.Module) else nn.Identity()

    def forward(self, x):
        return self.act(self.conv(x))

def autopad(k, p=None):
    if p is None:
        p = k // 2 if isinstance(k, int) else [x // 2 for x in k]
    return p

class Net(nn.Module):
    def __init__(self, act="leaky"):
        super().__init__()
        self.a = Conv(3, 4, 3, act=ACTIVATIONS[act]())
        self.b = Conv(4, 4, (3, 1), act=False)
        self.c = Conv(4, 2)
    def forward(self, x): return self.c(self.b(self.a(x)))
""",
)
network(
    "gated self attention",
    (1, 8, 6, 6),
    """
class SelfAttention(nn.Module):
    def __init__(self, in_dim):
        super().__init__()
        self.query_conv = nn.Conv2d(in_channels=in_dim, out_channels=in_dim // 8, kernel_size=1)
        self.key_conv = nn.Conv2d(in_channels=in_dim, out_channels=in_dim // 8, kernel_size=1)
        self.value_conv = nn.Conv2d(in_channels=in_dim, out_channels=in_dim, kernel_size=1)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.softmax = nn.Softmax(dim=-1)
    def forward(self, x):
        m_batchsize, C, width, height = x.size()
        proj_query = self.query_conv(x).view(m_batchsize, -1, width * height).permute(0, 2, 1)
        proj_key = self.key_conv(x).view(m_batchsize, -1, width * height)
        energy = torch.bmm(proj_query, proj_key)
        attention = self.softmax(energy)
        proj_value = self.value_conv(x).view(m_batchsize, -1, width * height)
        out = torch.bmm(proj_value, attention.permute(0, 2, 1))
        out = out.view(m_batchsize, C, width, height)
        out = self.gamma * out + x
        return out

net = SelfAttention(8)
""",
)
network(
    "positional encoding",
    (1, 3, 8, 8),
    """
import math
import numpy as np

class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=64):
        super().__init__()
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(1, max_len, d_model)
        pe[0, :, 0::2] = torch.sin(position * div_term)
        pe[0, :, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)
    def forward(self, x):
        return x + self.pe[:, :x.size(1)]

class Net(nn.Module):
    def __init__(self, d=8):
        super().__init__()
        self.proj = nn.Conv2d(3, d, 2, 2)
        self.pos = PositionalEncoding(d)
        layer = nn.TransformerEncoderLayer(d_model=d, nhead=2, dim_feedforward=16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.scale = 1 / np.sqrt(d)
    def forward(self, x):
        x = self.proj(x).flatten(2).transpose(-1, -2) * self.scale
        return self.encoder(self.pos(x))
""",
)
network(
    "deep supervision by property",
    (1, 2, 16, 16),
    """
class Base(nn.Module):
    widths = (4, 6)

    @property
    def last(self):
        return self.widths[-1]

    @classmethod
    def small(cls):
        return cls(depth=1)

    def stage(self, a, b):
        raise NotImplementedError

    def __init__(self, depth=2):
        super().__init__()
        self.depth = depth
        a = 2
        for i, b in enumerate(self.widths[:depth]):
            self.add_module(f"stage_{i}", self.stage(a, b))
            a = b
        self.head = nn.Conv2d(a, 1, 1)

    def forward(self, x):
        i = 0
        while i < self.depth:
            x = getattr(self, f"stage_{i}")(x)
            i += 1
        return self.head(x)

class Plain(Base):
    def stage(self, a, b):
        return nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.ELU())

class Wide(Plain):
    widths = (4, 10)
    def forward(self, x):
        y = super().forward(x)
        return y * self.last / self.depth
""",
)
network(
    "partial convolution",
    (1, 2, 9, 9),
    """
class MaskedConv2d(nn.Conv2d):
    def __init__(self, mask_type, *args, **kwargs):
        super(MaskedConv2d, self).__init__(*args, **kwargs)
        assert mask_type in {"A": 0, "B": 1}
        self.register_buffer("mask", self.weight.data.clone())
        _, _, kH, kW = self.weight.size()
        self.mask.fill_(1)
        self.mask[:, :, kH // 2, kW // 2 + (mask_type == "B"):] = 0
        self.mask[:, :, kH // 2 + 1:] = 0
    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, self.stride, self.padding, self.dilation, self.groups)

class PixelCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(MaskedConv2d("A", 2, 4, 5, 1, 2), nn.ReLU(), MaskedConv2d("B", 4, 4, 3, 1, 1, bias=False))
    def forward(self, x):
        return self.net(x)
""",
)
network(
    "octave and blur",
    (1, 3, 16, 16),
    """
class BlurPool(nn.Module):
    def __init__(self, channels, stride=2):
        super().__init__()
        a = torch.tensor([1.0, 2.0, 1.0])
        filt = a[:, None] * a[None, :]
        filt = filt / torch.sum(filt)
        self.register_buffer("filt", filt[None, None, :, :].repeat((channels, 1, 1, 1)))
        self.stride, self.channels = stride, channels
        self.pad = nn.ReplicationPad2d([1, 1, 1, 1])
    def forward(self, inp):
        return F.conv2d(self.pad(inp), self.filt, stride=self.stride, groups=inp.shape[1])

class Octave(nn.Module):
    def __init__(self, a=8, alpha=0.5):
        super().__init__()
        low = int(a * alpha)
        self.stem = nn.Conv2d(3, a, 3, padding="same")
        self.blur = BlurPool(low)
        self.hh = nn.Conv2d(a - low, 4, 3, padding=1)
        self.ll = nn.Conv2d(low, 4, 3, padding=1)
        self.low = low
    def forward(self, x):
        x = self.stem(x)
        high, low = x[:, self.low:, ...], self.blur(x[:, : self.low])
        return self.hh(high) + F.interpolate(self.ll(low), scale_factor=2)
""",
)
network(
    "list of heads",
    (2, 3, 8, 8),
    """
class MultiHead(nn.Module):
    def __init__(self, tasks=dict(a=2, b=3)):
        super().__init__()
        self.body = nn.Sequential()
        for i in range(2):
            self.body.append(nn.Conv2d(3 if i == 0 else 4, 4, 3, padding=1))
            self.body.append(nn.Hardswish())
        self.heads = nn.ModuleDict()
        for name, n in tasks.items():
            self.heads[name] = nn.Linear(4, n)
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(1)) for _ in tasks])
    def forward(self, x):
        x = self.body(x).amax((2, 3))
        outs = []
        for (name, head), scale in zip(self.heads.items(), self.scales):
            outs.append(head(x) * scale)
        return torch.cat(outs, dim=-1)
""",
)
network(
    "shifted windows",
    (1, 16, 8, 8),
    """
def window_partition(x, window_size):
    B, H, W, C = x.shape
    x = x.view(B, H // window_size, window_size, W // window_size, window_size, C)
    windows = x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, window_size, window_size, C)
    return windows
def window_reverse(windows, window_size, H, W):
    B = int(windows.shape[0] / (H * W / window_size / window_size))
    x = windows.view(B, H // window_size, W // window_size, window_size, window_size, -1)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(B, H, W, -1)
class WindowAttention(nn.Module):
    def __init__(self, dim, window_size, num_heads):
        super().__init__()
        self.dim = dim
        self.window_size = window_size
        self.num_heads = num_heads
        self.relative_position_bias_table = nn.Parameter(
            torch.zeros((2 * window_size[0] - 1) * (2 * window_size[1] - 1), num_heads))
        coords_h = torch.arange(self.window_size[0])
        coords_w = torch.arange(self.window_size[1])
        coords = torch.stack(torch.meshgrid([coords_h, coords_w], indexing="ij"))
        coords_flatten = torch.flatten(coords, 1)
        relative_coords = coords_flatten[:, :, None] - coords_flatten[:, None, :]
        relative_coords = relative_coords.permute(1, 2, 0).contiguous()
        relative_coords[:, :, 0] += self.window_size[0] - 1
        relative_coords[:, :, 1] += self.window_size[1] - 1
        relative_coords[:, :, 0] *= 2 * self.window_size[1] - 1
        relative_position_index = relative_coords.sum(-1)
        self.register_buffer("relative_position_index", relative_position_index)
        self.qkv = nn.Linear(dim, dim * 3)
        self.softmax = nn.Softmax(dim=-1)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=.02)
    def forward(self, x, mask=None):
        B_, N, C = x.shape
        qkv = self.qkv(x).reshape(B_, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        attn = (q @ k.transpose(-2, -1))
        bias = self.relative_position_bias_table[self.relative_position_index.view(-1)].view(
            self.window_size[0] * self.window_size[1], self.window_size[0] * self.window_size[1], -1)
        bias = bias.permute(2, 0, 1).contiguous()
        attn = self.softmax(attn + bias.unsqueeze(0))
        return (attn @ v).transpose(1, 2).reshape(B_, N, C)
class Swin(nn.Module):
    def __init__(self, dim=16, ws=4):
        super().__init__()
        self.ws = ws
        self.attn = WindowAttention(dim, (ws, ws), 2)
    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        B, H, W, C = x.shape
        shifted = torch.roll(x, shifts=(-2, -2), dims=(1, 2))
        w = window_partition(shifted, self.ws).view(-1, self.ws * self.ws, C)
        w = self.attn(w).view(-1, self.ws, self.ws, C)
        return window_reverse(w, self.ws, H, W).permute(0, 3, 1, 2)
""",
)
network(
    "settings in a class",
    (2, 3, 8, 8),
    """
class Config:
    dims = [8, 16]
    depths = (1, 1)
    drop = 0.1
cfg = Config()
class Mish(nn.Module):
    @staticmethod
    def forward(x):
        return x * F.softplus(x).tanh()
class Concat(nn.Module):
    def __init__(self, dimension=1):
        super(Concat, self).__init__()
        self.d = dimension
    def forward(self, x):
        return torch.cat(x, self.d)
class Net(nn.Module):
    def __init__(self, cfg=cfg):
        super().__init__()
        self.stem = nn.Conv2d(3, cfg.dims[0], 3, padding=1)
        self.up = nn.Upsample(None, 2, "nearest")
        self.cat = Concat()
        self.act = Mish()
        self.out = nn.Conv2d(sum(cfg.dims), 2, 1)
        self.down = nn.Conv2d(cfg.dims[0], cfg.dims[1], 3, 2, 1)
        self.drop = nn.Dropout(cfg.drop)
    def forward(self, x):
        a = self.act(self.stem(x))
        b = self.up(self.act(self.down(a)))
        return self.out(self.drop(self.cat([a, b])))
""",
)
network(
    "layers from a list of lists",
    (1, 3, 16, 16),
    """
architecture_config = [
    (7, 8, 2, 3), "M", (3, 12, 1, 1), "M",
    [(1, 8, 1, 0), (3, 12, 1, 1), 2],
]
class CNNBlock(nn.Module):
    def __init__(self, in_channels, out_channels, **kwargs):
        super(CNNBlock, self).__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.batchnorm = nn.BatchNorm2d(out_channels)
        self.leakyrelu = nn.LeakyReLU(0.1)
    def forward(self, x):
        return self.leakyrelu(self.batchnorm(self.conv(x)))
class Yolov1(nn.Module):
    def __init__(self, in_channels=3, **kwargs):
        super(Yolov1, self).__init__()
        self.architecture = architecture_config
        self.in_channels = in_channels
        self.darknet = self._create_conv_layers(self.architecture)
        self.fcs = self._create_fcs(**kwargs)
    def forward(self, x):
        x = self.darknet(x)
        return self.fcs(torch.flatten(x, start_dim=1))
    def _create_conv_layers(self, architecture):
        layers = []
        in_channels = self.in_channels
        for x in architecture:
            if type(x) == tuple:
                layers += [CNNBlock(in_channels, x[1], kernel_size=x[0], stride=x[2], padding=x[3])]
                in_channels = x[1]
            elif type(x) == str:
                layers += [nn.MaxPool2d(kernel_size=(2, 2), stride=(2, 2))]
            elif type(x) == list:
                conv1, conv2, num_repeats = x
                for _ in range(num_repeats):
                    layers += [CNNBlock(in_channels, conv1[1], kernel_size=conv1[0], stride=conv1[2], padding=conv1[3])]
                    layers += [CNNBlock(conv1[1], conv2[1], kernel_size=conv2[0], stride=conv2[2], padding=conv2[3])]
                    in_channels = conv2[1]
        return nn.Sequential(*layers)
    def _create_fcs(self, split_size, num_boxes, num_classes):
        S, B, C = split_size, num_boxes, num_classes
        return nn.Sequential(nn.Flatten(), nn.Linear(12 * S * S, 49), nn.Dropout(0.0), nn.LeakyReLU(0.1), nn.Linear(49, S * S * (C + B * 5)))
model = Yolov1(split_size=2, num_boxes=2, num_classes=3)
""",
)
network(
    "lstm with a state",
    (2, 10, 4),
    """
class LSTMNet(nn.Module):
    def __init__(self, input_dim=4, hidden_dim=8, layer_dim=2, output_dim=3):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.layer_dim = layer_dim
        self.lstm = nn.LSTM(input_dim, hidden_dim, layer_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, output_dim)
    def forward(self, x):
        h0 = torch.zeros(self.layer_dim, x.size(0), self.hidden_dim).to(x.device)
        c0 = torch.zeros(self.layer_dim, x.size(0), self.hidden_dim, device=x.device)
        out, (hn, cn) = self.lstm(x, (h0, c0))
        out = self.fc(out[:, -1, :])
        return out
""",
)
network(
    "stochastic depth",
    (1, 4, 8, 8),
    '''
def drop_path(x, drop_prob: float = 0., training: bool = False):
    if drop_prob == 0. or not training:
        return x
    keep_prob = 1 - drop_prob
    shape = (x.shape[0],) + (1,) * (x.ndim - 1)
    random_tensor = keep_prob + torch.rand(shape, dtype=x.dtype, device=x.device)
    random_tensor.floor_()
    return x.div(keep_prob) * random_tensor
class DropPath(nn.Module):
    """Drop paths (Stochastic Depth) per sample."""
    def __init__(self, drop_prob=None):
        super(DropPath, self).__init__()
        self.drop_prob = drop_prob
    def forward(self, x):
        return drop_path(x, self.drop_prob, self.training)
    def extra_repr(self) -> str:
        return f"drop_prob={self.drop_prob}"
class Net(nn.Module):
    def __init__(self, drop_path_rate=0.2, depth=3):
        super().__init__()
        dp_rates = [x.item() for x in torch.linspace(0, drop_path_rate, depth)]
        self.blocks = nn.ModuleList([nn.ModuleList([nn.Conv2d(4, 4, 1), DropPath(dp_rates[i])]) for i in range(depth)])
        self.norm = nn.GroupNorm(num_groups=2, num_channels=4)
    def forward(self, x):
        for conv, drop in self.blocks:
            x = x + drop(conv(x))
        return self.norm(x)
''',
)
network(
    "functions as layers",
    (2, 1, 28, 28),
    """
class Lambda(nn.Module):
    def __init__(self, func):
        super().__init__()
        self.func = func
    def forward(self, x):
        return self.func(x)
def preprocess(x):
    return x.view(-1, 1, 28, 28)
model = nn.Sequential(
    Lambda(preprocess),
    nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    Lambda(lambda x: x.view(x.size(0), -1)),
)
""",
)
network(
    "capsules",
    (1, 1, 20, 20),
    """
class Caps(nn.Module):
    def __init__(self, num_routes=8 * 2 * 2):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 9)
        self.capsules = nn.ModuleList([nn.Conv2d(8, 4, 9, stride=2) for _ in range(2)])
        self.W = nn.Parameter(torch.randn(1, 8, 3, 5, 2))
        self.n = num_routes
    def squash(self, t, dim=-1):
        sq = (t ** 2).sum(dim, keepdim=True)
        return sq * t / ((1. + sq) * torch.sqrt(sq))
    def forward(self, x):
        u = [c(F.relu(self.conv(x), inplace=True)) for c in self.capsules]
        u = torch.stack(u, dim=1)
        u = u.view(x.size(0), -1, 2)[:, :8]
        u = self.squash(u)
        u = torch.stack([u] * 3, dim=2).unsqueeze(4)
        W = torch.cat([self.W] * x.size(0), dim=0)
        u_hat = torch.matmul(W, u)
        b_ij = torch.zeros(1, 8, 3, 1)
        for it in range(2):
            c_ij = F.softmax(b_ij, dim=1)
            c_ij = torch.cat([c_ij] * x.size(0), dim=0).unsqueeze(4)
            s_j = (c_ij * u_hat).sum(dim=1, keepdim=True)
            v_j = self.squash(s_j)
            if it < 1:
                a_ij = torch.matmul(u_hat.transpose(3, 4), torch.cat([v_j] * 8, dim=1))
                b_ij = b_ij + a_ij.squeeze(4).mean(dim=0, keepdim=True)
        return v_j.squeeze(1)
""",
)
network(
    "kernels side by side",
    (1, 4, 9, 9),
    """
import math
class LayerNorm(nn.Module):
    def __init__(self, normalized_shape, eps=1e-6, data_format="channels_last"):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(normalized_shape))
        self.bias = nn.Parameter(torch.zeros(normalized_shape))
        self.eps = eps
        self.data_format = data_format
        if self.data_format not in ["channels_last", "channels_first"]:
            raise NotImplementedError
        self.normalized_shape = (normalized_shape, )
    def forward(self, x):
        if self.data_format == "channels_last":
            return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        elif self.data_format == "channels_first":
            u = x.mean(1, keepdim=True)
            s = (x - u).pow(2).mean(1, keepdim=True)
            x = (x - u) / torch.sqrt(s + self.eps)
            x = self.weight[:, None, None] * x + self.bias[:, None, None]
            return x
class Net(nn.Module):
    def __init__(self, in_ch=4):
        super(Net, self).__init__()
        self.n = LayerNorm(in_ch, data_format="channels_first")
        self.alpha = nn.Parameter(torch.tensor(0.5))
        self.convs = nn.ModuleList()
        self.bns = nn.ModuleList()
        for k in range(3):
            self.convs.append(nn.Conv2d(in_ch, in_ch, kernel_size=2*k+1, padding=k))
            self.bns += [nn.BatchNorm2d(in_ch)]
        self.reset_parameters()
    def reset_parameters(self):
        stdv = 1. / math.sqrt(self.convs[0].weight.size(1))
        for w in self.parameters():
            if w.dim() > 1:
                nn.init.kaiming_uniform_(w, a=math.sqrt(5))
        self.convs[0].bias.data.uniform_(-stdv, stdv)
    def forward(self, x):
        x = self.n(x)
        B, C, *rest = x.shape
        outs = [F.relu(bn(conv(x))) for conv, bn in zip(self.convs, self.bns)]
        w = torch.softmax(torch.stack([o.mean(dim=(2, 3)) for o in outs], 0), 0)
        y = sum(o * w[i].view(B, C, *[1] * len(rest)) for i, o in enumerate(outs))
        mask = torch.ones_like(y)
        mask = mask.tril() if y.shape[-1] == y.shape[-2] else mask
        y = y.masked_fill(mask == 0, 0.0)
        y = torch.where(y > 0, y, self.alpha * y)
        return F.avg_pool2d(y, kernel_size=y.size()[2:]).squeeze(-1).squeeze(-1)
""",
)
network(
    "arguments in a namespace",
    (1, 3, 8, 8),
    """
import argparse
from types import SimpleNamespace
parser = argparse.ArgumentParser()
parser.add_argument('--width', type=int, default=8)
args = SimpleNamespace(width=8, act='relu')
class Net(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.c = nn.Conv2d(3, args.width, 3)
        self.act = getattr(F, args.act)
        self.act2 = getattr(torch, 'tanh')
    def forward(self, x): return self.act2(self.act(self.c(x)))
net = Net(args)
""",
)
network(
    "backbone of torchvision",
    (1, 3, 64, 64),
    """
from torchvision import models
class Classifier(nn.Module):
    def __init__(self, num_classes=5, pretrained=True):
        super().__init__()
        self.backbone = models.resnet18(weights=None)
        in_features = self.backbone.fc.in_features
        self.backbone.fc = nn.Identity()
        for param in self.backbone.parameters():
            param.requires_grad = False
        self.head = nn.Sequential(nn.Linear(in_features, 64), nn.ReLU(), nn.Linear(64, num_classes))
    def forward(self, x):
        return self.head(self.backbone(x))
""",
)
network(
    "spectral critic",
    (1, 3, 16, 16),
    """
from torch.nn.utils import spectral_norm
from torch.nn.utils.parametrizations import weight_norm
import torch.nn.utils.parametrizations as P

class Critic(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.body = nn.Sequential(
            spectral_norm(nn.Conv2d(3, width, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            weight_norm(nn.Conv2d(width, width, 3, padding=1), dim=0),
            P.spectral_norm(nn.ConvTranspose2d(width, width, 2, stride=2), n_power_iterations=2),
            nn.utils.weight_norm(nn.Conv2d(width, 1, 3, bias=False)),
        )
        nn.init.normal_(self.body[2].weight, 0.0, 0.02)
    def forward(self, x):
        return self.body(x).mean((2, 3))
""",
)
network(
    "children of torchvision",
    (1, 3, 64, 64),
    """
from torch import Tensor
from torchvision import models
import torchvision
class Enc(nn.Module):
    def __init__(self, d=8):
        super().__init__()
        resnet = torchvision.models.resnet18(weights=None)
        modules = list(resnet.children())[:-2]
        self.resnet = nn.Sequential(*modules)
        self.pool = nn.AdaptiveAvgPool2d((2, 2))
        self.fine_tune()
    def fine_tune(self, fine_tune=True):
        for p in self.resnet.parameters():
            p.requires_grad = False
        for c in list(self.resnet.children())[5:]:
            for p in c.parameters():
                p.requires_grad = fine_tune
    def forward(self, images: Tensor) -> Tensor:
        out = self.resnet(images)
        out = self.pool(out)
        return out.permute(0, 2, 3, 1)
""",
)

network(
    "spatial transformer",
    (1, 1, 28, 28),
    """
import numpy as np
import torch.utils.checkpoint as cp
from torch.autograd import Variable

class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 7), nn.MaxPool2d(2), nn.ReLU(True))
        self.__place = nn.Linear(8 * 11 * 11, 6)
        self.kernel = nn.Parameter(torch.Tensor(4, 1, 3, 3))
        self.gain = nn.Parameter(torch.FloatTensor([1, 2, 3, 4]))
        self._modules["last"] = nn.Conv2d(4, 2, 1)
        self.__init_weight()

    def __init_weight(self):
        for m in self.modules():
            if isinstance(m, nn.Linear):
                m.weight.data.zero_()
        nn.init.kaiming_uniform_(self.kernel)

    def forward(self, x):
        xs = x
        for name, layer in self.features._modules.items():
            xs = layer(xs)
        theta = self.__place(xs.flatten(1)).view(-1, 2, 3)
        same = Variable(torch.from_numpy(np.array([1, 0, 0, 0, 1, 0]).astype(np.float32))).view(1, 2, 3)
        grid = F.affine_grid(theta + same, x.size(), align_corners=False)
        x = F.grid_sample(x, grid, align_corners=False)
        x = cp.checkpoint(lambda x: F.conv2d(x, self.kernel, padding=1), x, use_reentrant=False)
        return self.last(x * self.gain[:, None, None])
""",
)
