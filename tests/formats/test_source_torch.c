/* SPDX-License-Identifier: Apache-2.0
 * PyTorch texts: what comes of them.  Modules are named by their path, functions by their kind and number. */
#include "source_check.h"

#define NET                                                                                                            \
    "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"                                           \
    "class Net(nn.Module):\n  def __init__(self, c=3):\n    super().__init__()\n"

typedef struct row {
    const char *text, *expected;
} row;

static const row rows[] = {
    {"net = nn.Sequential(nn.Conv2d(3, 16, 3, padding='same'), nn.ReLU(),\n"
     "                    nn.Flatten(), nn.Linear(16*32*32, 10))",
     "input 0(input) 1(0) 2(1) 3(2) > 3"},
    {"from collections import OrderedDict\nm = nn.Sequential(OrderedDict([('conv', nn.Conv2d(1, 2, 3)), ('act', "
     "nn.ReLU())]))",
     "input conv(input) act(conv) > act"},
    {"m = nn.Sequential()\nm.add_module('a', nn.Conv2d(1, 2, 3))\nm.append(nn.ReLU())", "input a(input) 1(a) > 1"},
    {"m = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU(), nn.Dropout()))",
     "input 0(input) 1.0(0) 1.1(1.0) > 1.1"},
    {"a = [nn.Conv2d(3, 4, 3), nn.ReLU()]\nm = nn.Sequential(*a)\ny = m[0](torch.randn(1, 3, 8, 8))",
     "input 0(input) 1(0) > 1"},
    {NET "    self.conv1 = nn.Conv2d(c, 6, 5)\n    self.fc = nn.Linear(6, 10)\n"
         "  def forward(self, x):\n    x = F.max_pool2d(F.relu(self.conv1(x)), 2)\n    x = F.relu(x)\n"
         "    x = x.view(x.size(0), -1)\n    return self.fc(x)\nnet = Net()",
     "input conv1(input) relu_1(conv1) max_pool2d_1(relu_1) relu_2(max_pool2d_1) view_1(relu_2) fc(view_1) > fc"},
    {NET "    self.features = nn.Sequential(nn.Conv2d(c, 6, 3), nn.ReLU(inplace=True))\n"
         "    self.blocks = nn.ModuleList([nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 1)])\n"
         "  def forward(self, x):\n    x = self.features(x)\n    for b in self.blocks:\n      x = x + b(x)\n"
         "    return torch.flatten(x.mean([2, 3], keepdim=True), 1)\n",
     "input features.0(input) features.1(features.0) blocks.0(features.1) add_1(features.1,blocks.0) blocks.1(add_1) "
     "add_2(add_1,blocks.1) mean_1(add_2) flatten_1(mean_1) > flatten_1"},
    {NET "    self.a = nn.Conv2d(c, 4, 3)\n    self.b = nn.Conv2d(c, 4, 3)\n"
         "  def forward(self, x, y):\n    z = torch.cat([self.a(x), self.b(y)], dim=1)\n"
         "    z = torch.cat((z, z), 1)\n    return z, F.interpolate(z, scale_factor=2)\nnet = Net(1)",
     "input input_2 a(input) b(input_2) cat_1(a,b) cat_2(cat_1,cat_1) interpolate_1(cat_2) > cat_2,interpolate_1"},
    {NET "    self.a = nn.Linear(c, 4)\n    self.act = nn.ReLU()\n  def forward(self, x):\n"
         "    return self.act(self.a(x)) if not self.training else x\nmodel = Net().to('cuda').eval()",
     "input a(input) act(a) > act"},
    {NET "    self.a = nn.Linear(c, c)\n  def forward(self, x):\n    return self.run(x) * 2 - x\n"
         "  def run(self, x):\n    return torch.sigmoid(self.a(x))\nclass Deep(Net):\n  def run(self, x):\n    y = "
         "super().run(x)\n"
         "    return torch.tanh(y)\nm = Deep(c=8)",
     "input a(input) sigmoid_1(a) tanh_1(sigmoid_1) rescaling_1(tanh_1) sub_1(rescaling_1,input) > sub_1"},
    {"import torch.nn as nn\nclass CBR(nn.Sequential):\n  def __init__(self, i, o):\n    super().__init__(nn.Conv2d(i, "
     "o, 3), nn.ReLU())\n"
     "class Net(nn.Module):\n  def __init__(self):\n    super(Net, self).__init__()\n    self.a = CBR(3, 4)\n"
     "    self.b = CBR(4, 5)\n  def forward(self, x):\n    return self.b(self.a(x))\nmodel = Net()\nprint(model)",
     "input a.0(input) a.1(a.0) b.0(a.1) b.1(b.0) > b.1"},
    {"class R(nn.Module):\n  def __init__(self, c, down=None):\n    super().__init__()\n    self.c = nn.Conv2d(c, c, "
     "3, padding=1)\n"
     "    self.down = down\n  def forward(self, x):\n    y = self.c(x)\n    if self.down is not None:\n      x = "
     "self.down(x)\n"
     "    y += x\n    return y\nm = nn.Sequential(R(4), R(4, nn.Identity()))",
     "input 0.c(input) add_1(0.c,input) 1.c(add_1) 1.down(add_1) add_2(1.c,1.down) > add_2"},
    {"conv = nn.Conv2d(3, 64, 3, stride=2, padding=1)\nx = torch.randn(1, 3, 32, 32)\ny = conv(x)\nprint(y.shape)",
     "input conv(input) > conv"},
    {"nn.Conv2d(3, 32, 5, padding=2)", "input 0(input) > 0"},
    {"x = torch.zeros(1, 3, 8, 8)\ny = x[:, :, 1:-1, 2:]\ny = F.relu(nn.Conv2d(3, 4, 1)(F.pad(x, (1, 1, 1, "
     "1)))).flatten(1)",
     "input pad_1(input) conv2d_1(pad_1) relu_1(conv2d_1) flatten_1(relu_1) > flatten_1"},
    {NET "    self.c = nn.Conv2d(c, 4, 3)\n  def forward(self, x):\n    x = self.c(x)[:, :, 1:-1, 1:-1]\n"
         "    return F.log_softmax(x.permute(0, 2, 3, 1).squeeze(), dim=1)\n",
     "input c(input) zero_pad2d_1(c) permute_1(zero_pad2d_1) squeeze_1(permute_1) log_softmax_1(squeeze_1) > "
     "log_softmax_1"},
    {NET "    self.c = nn.Conv2d(c, 4, 3)\n    self.d = nn.Dropout(0.5)\n  def forward(self, x):\n    x = self.c(x)\n"
         "    x = F.dropout(x, p=0.2, training=self.training)\n    x = F.adaptive_avg_pool2d(x, (1, 1))\n"
         "    x = F.avg_pool2d(x, 1)\n    return F.softmax(self.d(x), dim=1)\n",
     "input c(input) dropout_1(c) adaptive_avg_pool2d_1(dropout_1) avg_pool2d_1(adaptive_avg_pool2d_1) d(avg_pool2d_1) "
     "softmax_1(d) > softmax_1"},
    {"import torch\nimport torch.nn as nn\nclass N(nn.Module):\n  def __init__(self):\n    super().__init__()\n"
     "    self.l = nn.Linear(4, 4)\n  def forward(self, x):\n    return self.l(x)\n"
     "def train(m, loader):\n  for x, y in loader:\n    loss = nn.CrossEntropyLoss()(m(x), y)\n    loss.backward()\n"
     "m = N()\nopt = torch.optim.SGD(m.parameters(), lr=0.1)\nfor epoch in range(100000):\n  train(m, loader)\n"
     "torch.save(m.state_dict(), 'a.pt')",
     NULL}, /* loader is not defined */
    {"import torch\nfrom torch import nn\nfrom torch.utils.data import DataLoader\nm = nn.Sequential(nn.Linear(4, 4))\n"
     "loss_fn = nn.MSELoss()\nfor epoch in range(100000):\n  for x, y in DataLoader(None):\n    loss_fn(m(x), "
     "y).backward()\n"
     "out = m(torch.randn(2, 4))\nloss = loss_fn(out, torch.zeros(2, 4))\n",
     "input 0(input) > 0"},
};

static void every_text_gives_its_network(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reading r;
        const cni_description *d = read_any(&r, rows[i].text, NULL);
        const bool good = rows[i].expected ? !d->remarks.errors && d->dialect == CNI_TORCH &&
                                                 strcmp(wiring(&r, d), rows[i].expected) == 0
                                           : d->remarks.errors > 0;
        if (!good) {
            fprintf(stderr, "---- %s\n     %s\n     %s, expected\n", rows[i].text, wiring(&r, d), rows[i].expected);
            print_remarks(d);
            wrong++;
        }
        done(&r);
    }
    assert_int_equal(wrong, 0);
}

static void inputs_have_their_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int shape[5];
    } inputs[] = {
        {"nn.Sequential(nn.Conv2d(3, 4, 3))", {3, -1, -1}},
        {"nn.Sequential(nn.Conv1d(3, 4, 3))", {3, -1}},
        {"nn.Sequential(nn.Flatten(), nn.Linear(784, 4))", {0}},
        {"nn.Sequential(nn.Linear(784, 4))", {784}},
        {"class R(nn.Module):\n  def __init__(self, c):\n    self.c = nn.Conv2d(c, c, 1)\n  def forward(self, x): "
         "return x\n"
         "m = nn.Sequential(R(5), R(6))",
         {5, -1, -1}},
        {"m = nn.Sequential(nn.BatchNorm2d(8))", {8, -1, -1}},
        {"m = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 4, 3))", {3, -1, -1}},
        {"m = nn.Sequential(nn.Conv2d(3, 4, 3))\nm(torch.randn(1, 3, 32, 24))", {3, 32, 24}},
        {"m = nn.Sequential(nn.Conv2d(3, 4, 3))\nx = torch.zeros((8, 3, 32, 24))\ny = m(x)", {3, 32, 24}},
        {"import torch\nm = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))\nm(torch.rand(size=(1, 3, 8, 8)).to('cpu'))",
         {3, 8, 8}},
        {"from torchsummary import summary\nm = nn.Sequential(nn.Conv2d(3, 4, 3))\nsummary(m, (3, 32, 32))",
         {3, 32, 32}},
        {"from torchinfo import summary\nm = nn.Sequential(nn.Conv2d(3, 4, 3))\nsummary(m, input_size=(1, 3, 32, 32))",
         {3, 32, 32}},
        {"import torchinfo\nbatch = 16\nm = nn.Sequential(nn.Conv1d(3, 4, 3))\ntorchinfo.summary(m, (batch, 3, 32))",
         {3, 32}},
        /* an array that nothing is called on, where it alone fits */
        {"m = nn.Sequential(nn.Conv2d(3, 4, 3))\nx = torch.randn(1, 3, 32, 24)", {3, 32, 24}},
        {"m = nn.Sequential(nn.Conv2d(3, 4, 3))\nx = torch.randn(1, 3, 32, 24)\nt = torch.zeros(4, 10)", {3, 32, 24}},
        {"m = nn.Sequential(nn.Conv2d(3, 4, 3))\nx = torch.randn(1, 1, 32, 24)", {3, -1, -1}},
        {"m = nn.Sequential(nn.Conv2d(3, 4, 3))\nx = torch.randn(1, 3, 9, 9)\nz = torch.randn(1, 3, 8, 8)",
         {3, -1, -1}},
        {"def net(): return nn.Sequential(nn.Conv2d(3, 4, 3))\ndef test():\n  m = net()\n  y = m(torch.randn(1, 3, 8, "
         "9))\ntest()",
         {3, 8, 9}},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        reading r;
        const cni_description *d = read_good(&r, inputs[i].text);
        assert_int_equal(d->input_count, 1);
        const cni_described_layer *input = &d->layers[d->calls[d->inputs[0]].layer];
        assert_ptr_equal(input->kind, &cni_input_layer);
        const int *shape = cni_object_member(input->config, "shape");
        for (int j = 0; j < 5; j++)
            if (shape[j] != inputs[i].shape[j]) fail_msg("%s: size %d is %d", inputs[i].text, j, shape[j]);
        done(&r);
    }
}

/* Functions hand their arguments to the module of the same kind. */
static void functions_become_modules(void **state)
{
    (void)state;
    reading r;
    const cni_description *d =
        read_good(&r, NET "    self.c = nn.Conv2d(c, 4, 3)\n  def forward(self, x):\n    x = F.max_pool2d(self.c(x), "
                          "3, 2, 1, ceil_mode=True)\n"
                          "    x = F.dropout(x, 0.25, self.training)\n    x = F.leaky_relu(x, 0.1)\n"
                          "    x = F.interpolate(x, size=(7, 9), mode='bilinear')\n    return x\n");
    const cni_described_layer *pool = layer_named(d, "max_pool2d_1");
    assert_string_equal(pool->class_name, "MaxPool2d");
    assert_int_equal(pool->argument_count, 4);
    assert_string_equal(pool->arguments[2].key, "padding");
    assert_string_equal(pool->arguments[3].key, "ceil_mode");
    assert_true(*(bool *)cni_object_member(pool->config, "ceil_mode"));
    assert_int_equal(layer_named(d, "dropout_1")->argument_count, 1);
    assert_string_equal(layer_named(d, "leaky_relu_1")->arguments[0].key, "negative_slope");
    assert_non_null(layer_named(d, "interpolate_1")->config);
    done(&r);
}

/* A text may hold both: each model has its own words. */
static void both_dialects_in_one_text(void **state)
{
    (void)state;
    static const char text[] = "import keras, torch.nn as nn\n"
                               "k = keras.Sequential([keras.layers.Conv2D(4, 3, padding='same')])\n"
                               "t = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1))\n";
    reading r;
    assert_int_equal(read_good(&r, text)->dialect, CNI_TORCH);
    done(&r);
    assert_int_equal(read_any(&r, text, "k")->dialect, CNI_KERAS);
    done(&r);
}

/* The lines of a class without it are a network too. */
static void a_piece_of_a_class_is_read(void **state)
{
    (void)state;
    reading r;
    const cni_description *d = read_good(&r, "self.conv1 = nn.Conv2d(3, 6, 5)\nself.pool = nn.MaxPool2d(2)\n"
                                             "x = self.pool(F.relu(self.conv1(x)))\n");
    assert_string_equal(wiring(&r, d), "input conv1(input) relu_1(conv1) pool(relu_1) > pool");
    done(&r);
    d = read_good(&r, "self.conv1 = nn.Conv2d(3, 6, 5)\n");
    assert_int_equal(d->call_count, 2);
    assert_string_equal(remarks(&r, CNI_NOTE), "I809 1:1-5");
    done(&r);
}

static void what_only_passes_on_is_passed_by(void **state)
{
    (void)state;
    reading r;
    const cni_description *d = read_good(&r, "class N(nn.Module):\n"
                                             "    def __init__(self):\n"
                                             "        super().__init__()\n"
                                             "        self.conv = nn.Conv2d(3, 3, 1)\n"
                                             "        self.pool = nn.AdaptiveAvgPool2d(1)\n"
                                             "        self.shortcut = lambda x: x\n"
                                             "    def forward(self, x):\n"
                                             "        y = self.pool(self.conv(x))\n"
                                             "        return self.shortcut(x) * y.expand_as(x)\n"
                                             "net = N()\n");
    assert_string_equal(wiring(&r, d), "input conv(input) pool(conv) mul_1(input,pool) > mul_1");
    done(&r);
}

/* What the text trains with, in Keras' words; defaults are PyTorch's. */
static void what_a_text_trains_with_is_compiled(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *expected; /* NULL: nothing is compiled */
    } texts[] = {
        {"c = nn.CrossEntropyLoss()\no = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)",
         "compile(optimizer=SGD(learning_rate=0.01, momentum=0.9), "
         "loss=SparseCategoricalCrossentropy(from_logits=True), metrics=['accuracy'])"},
        {"c = nn.MSELoss(reduction='mean')\no = optim.Adam(net.parameters())",
         "compile(optimizer=Adam(learning_rate=0.001, epsilon=1e-08), loss=MeanSquaredError())"},
        {"c = nn.BCEWithLogitsLoss()\no = optim.AdamW(net.parameters(), 1e-4, betas=(0.8, 0.9))",
         "compile(optimizer=AdamW(learning_rate=0.0001, beta_1=0.8, beta_2=0.9, epsilon=1e-08, weight_decay=0.01), "
         "loss=BinaryCrossentropy(from_logits=True))"},
        {"c = nn.NLLLoss()\no = optim.RMSprop(net.parameters(), weight_decay=0)",
         "compile(optimizer=RMSprop(learning_rate=0.01, rho=0.99, epsilon=1e-08), "
         "loss=SparseCategoricalCrossentropy(from_logits=True), metrics=['accuracy'])"},
        {"c = nn.CrossEntropyLoss()", NULL},
        {"c = nn.MSELoss()\na = optim.Adam(net.parameters())\nb = optim.Adam(net.parameters())", NULL},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[600], shown[600];
        reading r;
        snprintf(text, sizeof text, "import torch.optim as optim\nnet = nn.Sequential(nn.Linear(3, 2))\n%s\n",
                 texts[i].lines);
        const cni_description *d = read_good(&r, text);
        if (texts[i].expected)
            assert_string_equal(cni_value_show(d->compile, shown, sizeof shown), texts[i].expected);
        else
            assert_null(d->compile);
        done(&r);
    }
}

/* Keras' SGD has no weight decay that goes through the momentum: training by another one is not silent. */
static void what_has_no_equal_is_unknown(void **state)
{
    (void)state;
    reading r;
    const cni_description *d =
        read_good(&r, "net = nn.Sequential(nn.Linear(3, 2))\nc = nn.MSELoss()\n"
                      "o = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)\n");
    const cni_value *optimizer = cni_value_get(d->compile, "optimizer");
    assert_non_null(optimizer);
    assert_non_null(strstr(optimizer->text, "?weight_decay of PyTorch's SGD"));
    assert_int_equal(optimizer->line, 3);
    done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_of_a_class_is_read),   cmocka_unit_test(what_a_text_trains_with_is_compiled),
        cmocka_unit_test(what_has_no_equal_is_unknown), cmocka_unit_test(what_only_passes_on_is_passed_by),
        cmocka_unit_test(every_text_gives_its_network), cmocka_unit_test(inputs_have_their_shapes),
        cmocka_unit_test(functions_become_modules),     cmocka_unit_test(both_dialects_in_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
