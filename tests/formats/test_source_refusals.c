/* SPDX-License-Identifier: Apache-2.0
 * What a text may not hold: which remark is made, where it stands, and what it says. */
#include "source_check.h"

#include <stdlib.h>
#include <time.h>

typedef struct refusal {
    const char *text, *expected; /* "I803 1:22-28": line, first column, column behind the last character */
    const char *hint;            /* a part of it, or NULL */
} refusal;

static const refusal refusals[] = {
    /* the examples of the specification */
    {"layers.Conv2D(32, 3, stride=2)", "I803 1:22-28", "Keras calls it 'strides'; 'stride' is the PyTorch name"},
    {"layers.Conv2D(filters)", "I809 1:15-22", NULL},
    {"Conv2D(32)", "I810 1:1-7", "Conv2D(32, 3"},
    {"Conv2D(32, 3, 3, 3)", "I804 1:18-19", "ZeroPadding2D"},
    {"Conv2D(32, (3,3,3))", "I804 1:12-19", NULL},
    {"a = [8]\n[Conv2D(f,3) for f in a]", "I806 2:1-25", "write the loop"},
    {"Conv2D(32, 3,", "I801 1:14-14", NULL},
    {"model = Sequential()\nmodel.add(Conv2D(32, 3)\nmodel.summary()", "I801 3:1-6", NULL},
    {"exec('x')", "I806 1:1-10", NULL},
    {"x = open('f').read()", "I806 1:5-14", NULL},
    /* layers that are not there */
    {"layers.Conv2E(32, 3)", "I802 1:1-14", "did you mean Conv2D?"},
    {"layers.Linear(10)", "I802 1:1-14", "Keras calls it Dense"},
    {"import keras\nx = Conv2d(32, 3)", "I802 2:5-11", "Keras writes it Conv2D"},
    {"import torch.nn as nn\nx = Conv2D(32, 3)", "I802 2:5-11", "PyTorch calls it Conv2d"},
    {"nn.Dense(3)", "I802 1:1-9", "PyTorch calls it Linear"},
    {"nn.MaxPooling2D(3)", "I802 1:1-16", "PyTorch calls it MaxPool2d"},
    {"layers.LSTM(8)", "I802 1:1-12", NULL},
    {"LSTM(8)", "I802 1:1-5", "convolutional"},
    {"Sequential([Input((28, 28, 1)), Conv2d(32, 3)])", "I802 1:33-39", "Keras writes it Conv2D"},
    {"m = Sequential()\nm.add(MaxPool2d())", "I802 2:7-16", "Keras calls it MaxPooling2D"},
    {"layers.Lambda(f)", "I806 1:1-14; I809 1:15-16", NULL},
    /* arguments */
    {"nn.Conv2d(3, 16, 3, strides=2)", "I803 1:21-28", "PyTorch calls it 'stride'; 'strides' is the Keras name"},
    {"Conv2D(32, 3, in_channels=3)", "I803 1:15-26", "not needed"},
    {"MaxPooling2D(kernel_size=2)", "I803 1:14-25", "Keras calls it 'pool_size'"},
    {"Conv2D(32, 3, paddin='same')", "I803 1:15-21", "did you mean 'padding'?"},
    {"Conv2D(32, 3, filters=4)", "I811 1:15-22", NULL},
    {"Dense('a')", "I804 1:7-10", NULL},
    {"Dense(0)", "I804 1:7-8", NULL},
    {"Dropout(2)", "I804 1:9-10", NULL},
    {"Conv2D(32, 3, groups=5)", "I804 1:1-24", NULL},
    {"Conv2D(32, 3, activation='rellu')", "I804 1:15-33", NULL},
    {"x = Input((4, 4, 3))\nConv2D(x, 3)", "I804 2:8-9", "Layer(...)(x)"},
    {"import numpy as np\nn = np.load('n')\nDense(n)", "I805 3:7-8", "line 2"},
    {"Add(3)", "I804 1:5-6", NULL},
    {"nn.Linear(3)", "I810 1:1-10", "in_features"},
    {"Sequential([Input(28, 28, 1), Conv2D(3, 3)])", "I804 1:19-28", "write Input(shape=(28, 28, 1))"},
    {"keras.Input(shape=28)", "I804 1:13-21", "write Input(shape=(28,))"},
    {"keras.Input()", "I810 1:1-12", "Input(shape="},
    {"import data\n", "I806 1:1-12", NULL},
    {"import data\nkeras.Input(shape=data.shape)", "I806 1:1-12; I805 2:13-29", "put the code"},
    /* chains */
    {"Sequential([layers.Flatten, Dense(3)])", "I804 1:13-27", "write Flatten()"},
    {"Sequential([Dense(3), 4])", "I804 1:23-24", NULL},
    {"Sequential(Dense(3), Dense(4))", "I804 1:12-20; I804 1:22-30", "Sequential([...])"},
    {"nn.Sequential([nn.ReLU()])", "I804 1:15-26", "nn.Sequential(*layers)"},
    {"m = Sequential()\nm.pop()", "I804 2:1-8", NULL},
    {"x = Input((4,))\nSequential([Dense(2)(x)])", "I804 2:13-24", "without being called"},
    /* tensors */
    {"Dense(10)(Dense(3))", "I804 1:11-19", "call it"},
    {"Dense(10)(3)", "I804 1:11-12", NULL},
    {"x = Input((4, 4, 3))\nx[0]", "I806 2:1-5", "crops"},
    {"x = Input((4, 4, 3))\nx[:, ::2, :, :]", "I806 2:1-16", NULL},
    {"x = Input((4, 4, 3))\nx[..., 1:]", "I806 2:1-11", NULL},
    {"x = Input((4, 4, 3))\nx @ x", "I806 2:1-6", NULL},
    {"x = Input((4, 4, 3))\nDense(3)([x, x])", "I804 2:1-17", NULL},
    {"x = Input((4,))\ny = tf.linalg.eigh(x)", "I802 2:5-19", NULL},
    {"m = keras.Model(inputs=Input((4,)))", "I810 1:5-36", NULL},
    /* names */
    {"filters = 3\nDense(filtrs)", "I809 2:7-13", "did you mean filters?"},
    {"foo()", "I806 1:1-4", NULL},
    {"x = foo()", "I809 1:5-8", NULL},
    {"d = {'a': 1}\nDense(d['b'])", "I809 2:7-13", NULL},
    {"d = [1, 2]\nDense(d[2])", "I804 2:7-11", NULL},
    {"a, b = 1, 2, 3\nDense(a)", "I804 1:1-5", NULL},
    {"Dense(1 // 0)", "I805 1:7-13", NULL},
    {"Dense(2**70)", "I805 1:7-12", NULL},
    {"Dense('a' - 1)", "I804 1:7-14", NULL},
    /* functions */
    {"def f(a): return a\nf()", "I810 2:1-4", NULL},
    {"def f(a): return a\nf(1, 2)", "I804 2:6-7", NULL},
    {"def f(alpha): return alpha\nf(1, alpa=2)", "I803 2:6-12", "did you mean alpha?"},
    {"def f(a): return a\nf(1, a=2)", "I811 2:6-9", NULL},
    {"def f(n):\n  return f(n - 1)\nf(3)", "I812 2:10-18", "write a loop"},
    {"class A(nn.Module):\n  def __init__(self):\n    self.a = A()\nA()", "I812 3:14-17", NULL},
    {"import numpy as np\nfor i in np.arange(3):\n  x = Dense(i)", "I805 2:10-22", "range(4)"},
    /* what a function gives that returns nothing */
    {"def f(x):\n  x = ReLU()(x)\ni = Input((8, 8, 3))\nx = f(i)\nm = Model(i, x)", "I804 4:5-9", "return x"},
    {"i = Input((4,))\nm = Model(i, None)", "I804 2:5-19", NULL},
    /* arguments of models, optimizers, and of lists only */
    {"i = Input((4,))\nm = Model(input=i, output=Dense(2)(i))", "I803 2:11-16; I803 2:20-26", "'inputs'"},
    {"m = Sequential([Input((4,)), Dense(2)])\nm.compile(optimizer=keras.optimizers.Adam(lr=1e-3))", "I803 2:43-45",
     "'learning_rate'"},
    {"Conv2D(3, 3, input_dim=3)", "I803 1:14-23", "input_shape"},
    {"MaxPooling2D(2, 2, 'same', None, 'p', 3)", "I804 1:39-40", NULL},
    {"Sequential([Input((8, 8, 3)), Lambda(lambda x: x * 2)])", "I806 1:31-37", "# cornu: shape"},
    {"# cornu: input 3xx3\nConv2D(3, 3)", "I804 1:1-20", NULL},
    /* conditions that are not constant choose nothing */
    {"import numpy as np\nif np.rand() > 1:\n  x = Dense(1)", "I806 2:4-17", "the branch"},
    {"import sys\nm = Sequential()\nif sys.argv: m.add(Dense(3))", "I806 3:4-12", "the branch"},
    {"import sys\nd = Dense(3)\nm = Sequential()\nif sys.argv: m.add(d)", "I806 4:4-12", NULL},
    {"import os\nif os.name == 'nt':\n  k = 3\nelse:\n  k = 5\nDense(k)", "I806 2:4-19", "the branch"},
    {"import os\nk = 3\nif not os.name: k = 5\nDense(k)", "I806 3:4-15", "the branch"},
    {"import sys\nk = 3\nif sys.argv is None: k = 5\nDense(k)", "I806 3:4-20", NULL},
    {"import os\nk = 3 if os.name == 'x' else 5\nDense(k)", "I806 2:10-24", NULL},
    {"import os\nm = Sequential([Dense(3) if os.name else Flatten()])", "I806 2:29-36", "the branch"},
    {"import sys\nx = Input((4,))\nif sys.argv: x = x * 2\nDense(3)(x)", "I806 3:4-12", NULL},
    {"import sys\ndef f():\n  if sys.argv: return 3\n  return 5\nDense(f())", "I806 3:6-14", NULL},
    {"class N(nn.Module):\n  def forward(self, x):\n    if x.mean() > 0:\n      return x\n    return -x\nN()",
     "I806 3:8-20", NULL},
    /* outside of the grammar: an error where a network may depend on it */
    {"import time\nwhile True:\n  time.sleep(1)", "I806 2:1-6", NULL},
    {"f = lambda x: x + 1", "I806 1:5-20", NULL},
    {"class N(nn.Module):\n  def __init__(self):\n    self.a = nn.ModuleList([nn.ReLU() for i in range(2)])\n"
     "  def forward(self, x):\n    for l in self.a: x = l(x)\n    return x\nN()",
     "I806 3:28-57", "write the loop"},
    {"class N(nn.Module):\n  def __init__(self, scale):\n    self.a = nn.ReLU()\n", "I810 1:1-23", "model = N(...)"},
    {"x = 3", "I809 1:1-1", NULL},
    /* what is never run */
    {"import os\nos.system('ls')", "I806 2:1-16", NULL},
    {"import subprocess", "I806 1:1-18", NULL},
    {"x = eval('1')", "I806 1:5-14", NULL},
    {"x = input()", "I806 1:5-12", NULL},
    {"__import__('os')", "I806 1:1-17", NULL},
    {"m = keras.applications.VGG16()", "I806 1:5-31", "read its file"},
    {"import torchvision\nm = torchvision.models.resnet18()", "I806 2:5-34", "torchvision/models"},
    {"m = models.resnet18(pretrained=True)", "I806 1:5-37", "torchvision/models"},
};

static const cni_remark *error_with_hint(const cni_description *d)
{
    for (int i = 0; i < d->remarks.count; i++)
        if (d->remarks.items[i].severity == CNI_ERROR && d->remarks.items[i].hint) return &d->remarks.items[i];
    return NULL;
}

static void every_refusal_has_its_place(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        reading r;
        const cni_description *d = read_any(&r, refusals[i].text, NULL);
        const cni_remark *with_hint = error_with_hint(d);
        const bool hint = !refusals[i].hint || (with_hint && strstr(with_hint->hint, refusals[i].hint));
        if (strcmp(remarks(&r, CNI_ERROR), refusals[i].expected) != 0 || !hint) {
            fprintf(stderr, "---- %s\n     %s, expected %s %s\n", refusals[i].text, r.text, refusals[i].expected,
                    refusals[i].hint ? refusals[i].hint : "");
            print_remarks(d);
            wrong++;
        }
        done(&r);
    }
    assert_int_equal(wrong, 0);
}

/* An error inside a function names the call. */
static void errors_in_functions_name_the_call(void **state)
{
    (void)state;
    reading r;
    const cni_description *d = read_any(&r,
                                        "def block(x, n):\n"
                                        "    return layers.Conv2D(n, 3, stride=2)(x)\n"
                                        "x = keras.Input((8, 8, 3))\n"
                                        "x = block(x, 8)\n"
                                        "x = block(x, 16)\n",
                                        NULL);
    assert_int_equal(d->remarks.errors, 1); /* one place, two calls */
    assert_non_null(strstr(d->remarks.items[0].text, "; block() is called at line 4"));
    done(&r);
}

/* What follows from an error is not told. */
static void errors_do_not_follow_each_other(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"x = keras.Input((8, 8, 3))\nx = layers.Conv3E(4, 3)(x)\nx = layers.Flatten()(x)\n"
         "y = layers.Dense(3)(x)\nm = keras.Model(x, y)",
         "I802 2:5-18"},
        {"n = undefined_name + 3\nx = Dense(n * 2)(Input((n,)))\ny = x[n:]", "I809 1:5-19"},
        {"net = Net()\ny = net(torch.randn(1, 3, 8, 8))\nz = torch.flatten(y, 1)", "I809 1:7-10"},
        {"m = keras.applications.VGG16()\nx = m.output\ny = Dense(3)(x)\nkeras.Model(m.input, y)", "I806 1:5-31"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reading r;
        read_any(&r, rows[i].text, NULL);
        assert_string_equal(remarks(&r, CNI_ERROR), rows[i].expected);
        done(&r);
    }
}

/* Loops, functions and lists end, whatever the text says. */
/* What is outside of the grammar and no part of a network is passed over: in functions that nothing calls, in those
 * that make no layers, among data. */
static void what_is_no_network_may_hold_anything(void **state)
{
    (void)state;
    static const char text[] = "import numpy as np\n"
                               "import matplotlib.pyplot as plt\n"
                               "def show(images):\n"
                               "    while True:\n"
                               "        plt.imshow([i for i in images][0])\n"
                               "def main():\n"
                               "    losses = []\n"
                               "    try:\n"
                               "        losses.append(sum(x for x in losses))\n"
                               "    except ValueError:\n"
                               "        pass\n"
                               "    print(np.mean([x for x in losses]))\n"
                               "main()\n"
                               "plt.plot([x * 2 for x in range(3)], key=lambda x: x)\n"
                               "model = Sequential([Input((4,)), Dense(2)])\n"
                               "model.fit([x for x in range(3)], epochs=3)\n";
    reading r;
    const cni_description *d = read_good(&r, text);
    assert_int_equal(d->call_count, 2);
    assert_string_equal(remarks(&r, CNI_ERROR), "");
    done(&r);
}

/* What stands around a network never stops it; each line but the first is such a statement. */
static void what_surrounds_a_network_is_noted_at_most(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "correct = {c: 0 for c in classes}",
        "print(' '.join(f'{classes[j]:5s}' for j in range(4)))",
        "train_ds = train_ds.map(lambda x, y: (x / 255, y))",
        "@tf.function\ndef step(images):\n  with tf.GradientTape() as tape:\n    yield tape\nstep(3)",
        "y = m(np.zeros((1, 8, 8, 3)))\nplt.imshow(y[0, :, :, 0])\npicture = y[0]",
        "X, Y, classes = load_dataset()\nX = X / 255.\nY = convert_to_one_hot(Y, 6)",
        "train(loader, m, nn.CrossEntropyLoss())",
        "for images, labels in loader:\n  loss = m(images)\n  loss.backward()\n  total += loss.item()",
        "while True:\n  m.fit(x, y)",
        "try:\n  m.load_weights('w')\nexcept OSError:\n  raise",
        "with open('log') as f:\n  f.write(str(m))",
        "from helpers import show, data\nshow(m, data.images[3])",
        "history = m.fit(x)\nbest = max(history.history['val'], key=lambda v: v)\nbest = best - 'a'",
        "_log_api_usage_once(m)",
        "m = wrap(m)",
        "a, b = 1, 2, 3",
        "def test(n): return test(n - 1)\ntest(3)",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        char text[1000];
        reading r;
        snprintf(text, sizeof text,
                 "import numpy as np\nimport matplotlib.pyplot as plt\n%s\n"
                 "m = keras.Sequential([keras.Input((8, 8, 3)), Conv2D(2, 3)])\n%s\n",
                 strstr(statements[i], "m)") || strstr(statements[i], "m.") || strstr(statements[i], "m(") ||
                         strstr(statements[i], "m,")
                     ? ""
                     : statements[i],
                 statements[i]);
        const cni_description *d = read_good(&r, text);
        if (d->call_count != 2 || d->remarks.count > 6) fail_msg("%s", statements[i]);
        done(&r);
    }
}

/* The same things where a network depends on them are errors, at the place that is not understood. */
static void what_a_network_depends_on_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"n = len(names)\nm = Sequential([Input((4,)), Dense(n)])", "I809 1:9-14"},
        {"m = Sequential([Input((4,)), make_layer(3), Dense(2)])", "I809 1:30-40"},
        {"m = Sequential(make_layers())", "I809 1:16-27"},
        {"x = Input((4,))\ny = unknown(x)\ny = Dense(3)(y)\nm = keras.Model(x, y)", "I809 2:5-12"},
        {"x = Input((4,))\nf = lambda t: Dense(2)(t)\nm = keras.Model(x, f(x))", "I806 2:5-26"},
        {"blocks = load()\nm = Sequential([Input((4,)), Dense(2)])\nfor b in blocks:\n  m.add(b)", "I809 1:10-14"},
        {"m = Sequential([Input((4,)), Dense(2)])\nlayers_ = []\nlayers_.extend(more())\n"
         "for l in layers_: m.add(l)",
         "I809 3:16-20"},
        {"from other import Block\nm = nn.Sequential(nn.Conv2d(3, 4, 3), Block(4))", "I806 1:1-24; I802 2:39-47"},
        {"from other import block\nx = Input((4,))\nm = keras.Model(x, block(x))", "I806 1:1-24"},
        {"class N(nn.Module):\n  def __init__(self):\n    self.c = build()\n"
         "  def forward(self, x):\n    return self.c(x)\nn = N()\nz = undefined",
         "I809 3:14-19"},
        {"class N(nn.Module):\n  def __init__(self):\n    self.c = nn.Conv2d(3, 4, 3)\n"
         "  def forward(self, x):\n    x = self.c(x)\n    return x.unknown(3)\nn = N()",
         "I806 6:12-24"},
        {"m = Sequential([Input((4,)), Dense(2)])\nwhile m.count() < 3:\n  m.add(Dense(3))", "I806 2:1-6"},
    };
    int wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reading r;
        const cni_description *d = read_any(&r, rows[i].text, NULL);
        if (strcmp(remarks(&r, CNI_ERROR), rows[i].expected) != 0) {
            fprintf(stderr, "---- %s\n     %s, expected %s\n", rows[i].text, r.text, rows[i].expected);
            print_remarks(d);
            wrong++;
        }
        done(&r);
    }
    assert_int_equal(wrong, 0);
}

/* Many statements that are passed over are three notes. */
static void notes_are_few(void **state)
{
    (void)state;
    reading r;
    const cni_description *d =
        read_good(&r, "m = Sequential([Input((4,)), Dense(2)])\na = f()\nb = g()\nc = h()\nd = i()\ne = j()\n");
    assert_string_equal(remarks(&r, CNI_NOTE), "I809 2:5-6; I809 3:5-6; I809 4:5-6");
    assert_non_null(strstr(d->remarks.items[2].text, "nor 2 other lines"));
    done(&r);
}

static void work_is_bounded(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "for a in range(100):\n  for b in range(100):\n    for c in range(100):\n      Dense(1)\n",
        "a = [0]\nfor i in range(60): a = a + a\n",
        "a = [0]\nfor i in range(60): a = [a, a]\nDense(a)\n",
        "a = []\na.append(a)\nb = []\nb.append(b)\nx = a == b\nDense(a)\nnn.Sequential(*a)(a)\n",
        "d = {}\nd['d'] = d\nm.fit(d)\nm = keras.Model(d, d)\nm.compile(d)\n",
        "m = nn.Sequential()\nm.append(m)\nm(torch.randn(1, 3, 8, 8))\n",
        "m = Sequential()\nm.add(m)\n",
        "class A(A): pass\nA()\n",
        "x = 'a'\nfor i in range(60): x = x + x\n",
        "def f(): return g()\ndef g(): return f()\nf()\n",
        "class N(nn.Module):\n  def forward(self, x): return self(x)\nN()\n",
        "class N(nn.Module):\n  def __init__(self): self.n = self\n  def forward(self, x): return x\nN()\n",
        "x = Input((3,))\nfor i in range(9000): x = x + x\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        reading r;
        read_any(&r, texts[i], NULL);
        done(&r);
    }
}

/* Nothing takes long, or much memory, that a text of some size can ask for. */
static void large_texts_take_little(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    static const struct {
        const char *begin, *repeat, *end;
    } rows[] = {
        {"a = [", "0,", "]\nfor i in range(10000): b = a + a\n"},
        {"for i in range(10000): b = [", "0,", "]\n"},
        {"m = nn.Sequential(", "nn.ReLU(),", ")\n"},
        {"m = Sequential([", "ReLU(),", "])\n"},
        {"nn.Sequential(*[", "a,", "])\n"},
        {"a = '", "xyz", "'\nfor c in a: list(a)\n"},
        {"a = range(9999)\n", "b = zip(a, a);", "\n"},
        {"x = Input((3,))\n", "x = Dense(3)(x);", "\n"},
        {"", "Dense(3)\n", ""},
        {"", "a1 = b1\n", ""},
        {"x = ", "1 +", " 1\n"},
    };
    char *text = malloc(SIZE + 1000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t used = (size_t)sprintf(text, "%s", rows[i].begin);
        const size_t length = strlen(rows[i].repeat);
        for (; used + length + 100 < SIZE; used += length) memcpy(text + used, rows[i].repeat, length);
        strcpy(text + used, rows[i].end);
        reading r;
        struct timespec before, after;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
        read_any(&r, text, NULL);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
        const double seconds = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
        if (seconds > 20 || r.arena.used > (size_t)1 << 30)
            fail_msg("%s%s: %.1f s, %zu MiB", rows[i].begin, rows[i].repeat, seconds, r.arena.used >> 20);
        print_message("%4.1f s %4zu MiB  %s%s...\n", seconds, r.arena.used >> 20, rows[i].begin, rows[i].repeat);
        done(&r);
    }
    free(text);
}

static void a_long_loop_is_an_error(void **state)
{
    (void)state;
    reading r;
    read_any(&r, "x = Input((3,))\nfor i in range(100):\n  for j in range(100):\n    x = Dense(1)(x)\n", NULL);
    assert_string_equal(remarks(&r, CNI_ERROR), "I812 3:3-20");
    done(&r);
}

static void a_text_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char bytes[] = "Conv2D(\xff)";
    cni_arena arena = {0};
    cni_description *d = NULL;
    cni_error error = {0};
    assert_int_equal(cni_source_read(&arena, bytes, sizeof bytes - 1, "a.py", NULL, &d, &error), CN_ERR_FORMAT);
    assert_non_null(strstr(error.text, "a.py"));
    cni_arena_free(&arena);
}

/* A dict's keys and the items of lists are compared one by one: that is counted. */
static void comparisons_are_counted(void **state)
{
    (void)state;
    cni_text text = {0};
    reading r;
    cni_text_add(&text, "d = {");
    for (int i = 0; i < 30000; i++) cni_text_printf(&text, "'k%d': 1, ", i);
    cni_text_add(&text, "}\nConv2D(4, 3)\n");
    read_any(&r, cni_text_get(&text), NULL);
    assert_int_equal(strncmp(remarks(&r, CNI_ERROR), "I812 1:", 7), 0);
    done(&r);
    cni_text_free(&text);
    text = (cni_text){0};
    cni_text_add(&text, "s = [0] * 9999\nt = [0] * 9999\nConv2D(4, 3)\nb = [");
    for (int i = 0; i < 20000; i++) cni_text_add(&text, "s == t, ");
    cni_text_add(&text, "]\n");
    read_any(&r, cni_text_get(&text), NULL);
    assert_int_equal(strncmp(remarks(&r, CNI_ERROR), "I812 1:5-15", 11), 0); /* where the list was made */
    cni_text_free(&text);
    done(&r);
}

/* Whatever runs out while a text is read, it is said so, and nothing breaks. */
static void without_memory_nothing_is_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "import keras\nfrom keras import layers\n"
        "def block(x, n, name=None):\n  x = layers.Conv2D(n, 3, padding='same', name='a' + str(n))(x)\n"
        "  return layers.add([x, layers.BatchNormalization()(x)])\n"
        "x = i = keras.Input((8, 8, 3))\nfor n in [4, 8]: x = block(x, n)\nx = x[:, 1:-1, 1:-1] * 2\n"
        "inner = keras.Sequential([layers.Flatten(), layers.Dense(2, activaton='relu')])\n"
        "m = keras.Model(i, inner(x))\nm.compile(optimizer=keras.optimizers.Adam(1e-3), loss='mse')\nm.fit(a, "
        "epochs=2)\n",
        "import torch.nn as nn\nimport torch.nn.functional as F\nclass N(nn.Module):\n  def __init__(self):\n"
        "    super().__init__()\n    self.a = nn.ModuleList([nn.Conv2d(3, 3, 1)])\n    self.b = "
        "nn.Sequential(nn.ReLU(), nn.ReLU())\n"
        "  def forward(self, x):\n    for a in self.a: x = x + a(x)\n    return F.relu(self.b(x)).view(x.size(0), -1)\n"
        "m = N()\nm(torch.randn(1, 3, 8, 8))\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cn_status status = CN_ERR_MEMORY;
        reading r;
        const int calls = read_any(&r, texts[i], NULL)->call_count;
        done(&r);
        for (size_t budget = 500; status && budget < 4000000; budget += budget / 40) {
            cni_arena arena;
            cni_description *d = NULL;
            cni_error error = {0};
            cni_arena_init(&arena, budget);
            status = cni_source_read(&arena, texts[i], strlen(texts[i]), "a.py", NULL, &d, &error);
            if (status && !*error.text) fail_msg("nothing is said with %zu bytes", budget);
            if (!status) assert_int_equal(d->call_count, calls);
            cni_arena_free(&arena);
        }
        assert_int_equal(status, CN_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_has_its_place),
        cmocka_unit_test(errors_in_functions_name_the_call),
        cmocka_unit_test(errors_do_not_follow_each_other),
        cmocka_unit_test(what_is_no_network_may_hold_anything),
        cmocka_unit_test(what_surrounds_a_network_is_noted_at_most),
        cmocka_unit_test(what_a_network_depends_on_is_told),
        cmocka_unit_test(notes_are_few),
        cmocka_unit_test(work_is_bounded),
        cmocka_unit_test(a_long_loop_is_an_error),
        cmocka_unit_test(large_texts_take_little),
        cmocka_unit_test(comparisons_are_counted),
        cmocka_unit_test(without_memory_nothing_is_read),
        cmocka_unit_test(a_text_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
