# SPDX-License-Identifier: Apache-2.0
"""One peer, one network: makes it ready, then measures whenever a line with a number of seconds comes in.

   peer.py PEER NETWORK BATCH THREADS predict|train|data|weights CACHE

NETWORK is one of tools/peers/networks, or a layer as kernels.py names it: then the network is that layer several times
over where it can follow itself, and data and weights are its gradients alone.

Started by networks.py, pinned to its cores.  Answers are lines of JSON: {"ways", "version"} when it is ready, then
{"median", "best", "runs"} in milliseconds for each line; a line "predict NETWORK" makes it ready for another one.  Where a peer can do it in several ways (memory layouts,
compiled or not) and none is known to be the fastest, the line "choose" measures them; the answer is remembered in CACHE,
where converted models are kept, too."""
import contextlib
import json
import os
import re
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import layers

PEER, NETWORK, BATCH, THREADS, MODE, CACHE = sys.argv[1:7]
BATCH, THREADS, CACHE = int(BATCH), int(THREADS), Path(CACHE)
HERE = Path(__file__).parent
TRAIN = MODE == "train"


def measure(step, seconds, least=3):
    times, end = [], time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - start))
    return {"median": statistics.median(times), "best": min(times), "runs": len(times)}


# ---- inputs ----

def shape():
    if NETWORK.startswith("conv-"):
        c = layers.read(NETWORK)
        return BATCH, c.ih, c.iw, c.ic
    text = (HERE / "networks" / f"{NETWORK}.py").read_text()
    return BATCH, *map(int, re.search(r"Input\(\((\d+), (\d+), (\d+)\)\)", text).groups())


def classes():
    if NETWORK.startswith("conv-"):
        return None
    return 10 if len(NETWORK) == 1 else 1000


def random_input(channels_first=False):
    import numpy
    x = numpy.random.default_rng(1).random(shape(), dtype="float32")
    return numpy.ascontiguousarray(x.transpose(0, 3, 1, 2)) if channels_first else x


def random_labels():
    import numpy
    return numpy.random.default_rng(2).integers(0, classes(), BATCH).astype("int32")


# ---- models that are converted, once ----

def cached(name, make):
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = CACHE / f"{os.getpid()}-{name}"
        make(unfinished)
        with contextlib.suppress(OSError):  # somebody else may have been faster
            unfinished.rename(path)
    return path


def onnx_model():
    def make(path):
        import torch
        import torch_networks
        model = torch_networks.build(NETWORK, softmax=True).eval()
        x = torch.from_numpy(random_input(True))
        torch.onnx.export(model, (x,), str(path), dynamo=False, input_names=["x"], output_names=["y"])
    return cached(f"{NETWORK}-{BATCH}.onnx", make)


def keras_model(backend):
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    scope = {"__name__": "network"}
    if NETWORK.startswith("conv-"):
        exec("import keras\nfrom keras import layers\nmodel = " + layers.keras_text(layers.read(NETWORK)), scope)
        return scope["model"]
    exec((HERE / "networks" / f"{NETWORK}.py").read_text(), scope)
    return scope["model"]


def frozen(model):
    """A TensorFlow function in which the weights are constants."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    call = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec(shape(), "float32"))
    return convert_variables_to_constants_v2(call)


# ---- the peers: each gives its version and {variant: function that makes a step} ----

def ort():
    import numpy
    import onnxruntime

    def make():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
        session = onnxruntime.InferenceSession(str(onnx_model()), options, providers=["CPUExecutionProvider"])
        binding, x = session.io_binding(), onnxruntime.OrtValue.ortvalue_from_numpy(random_input(True))
        out = [BATCH, *session.get_outputs()[0].shape[1:]]
        y = onnxruntime.OrtValue.ortvalue_from_numpy(numpy.zeros(out, "float32"))
        binding.bind_ortvalue_input("x", x)
        binding.bind_ortvalue_output("y", y)
        return lambda: session.run_with_iobinding(binding)
    return onnxruntime.__version__, {"session": make}


def openvino():
    import openvino as ov

    def make():
        core = ov.Core()
        config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32",
                  "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}
        model = core.compile_model(core.read_model(str(onnx_model())), "CPU", config)
        request = model.create_infer_request()
        request.set_input_tensor(ov.Tensor(random_input(True)))
        return request.infer
    return ov.__version__.split("-")[0], {"latency": make}


def litert():
    from importlib.metadata import version
    from ai_edge_litert.interpreter import Interpreter

    def convert(path):
        import tensorflow as tf
        model = keras_model("tensorflow")
        path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen(model)]).convert())

    def make():
        interpreter = Interpreter(str(cached(f"{NETWORK}-{BATCH}.tflite", convert)), num_threads=THREADS)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], random_input())
        return interpreter.invoke
    return version("ai-edge-litert"), {"xnnpack": make}


def ncnn():
    import ncnn as n

    def convert(path):
        import pnnx
        import shutil
        import subprocess
        path.mkdir()
        shutil.copy(onnx_model(), path / "model.onnx")
        given = [f"inputshape=[{','.join(map(str, random_input(True).shape))}]", "fp16=0"]
        subprocess.run([pnnx.EXEC_PATH, "model.onnx", *given], cwd=path, check=True)
        for file in path.iterdir():
            if ".ncnn." not in file.name:
                file.unlink()

    def make():
        folder = cached(f"{NETWORK}.ncnn", convert)
        net = n.Net()
        net.opt.num_threads = THREADS
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_bf16_storage = net.opt.use_vulkan_compute = False
        net.load_param(str(folder / "model.ncnn.param"))
        net.load_model(str(folder / "model.ncnn.bin"))
        given = random_input(True)[0]
        x = n.Mat(given).clone()  # the first one lies in the memory of the array

        def step():
            extractor = net.create_extractor()
            extractor.input("in0", x)
            return extractor.extract("out0")
        return step
    return n.__version__, {"net": make} if BATCH == 1 else {}


def torch():
    import torch as t
    import torch_networks
    t.set_num_threads(THREADS)
    layouts = {"": t.contiguous_format, ", channels_last": t.channels_last}

    def make_gradient(layout):
        c = layers.read(NETWORK)
        module = torch_networks.one_layer(c).to(memory_format=layouts[layout])
        x = t.from_numpy(random_input(True)).contiguous(memory_format=layouts[layout])
        dy, wanted = t.rand_like(module(x).detach()), [MODE == "data", MODE == "weights", False]
        given = (dy, x, module.weight.detach(), None, module.stride, module.padding, module.dilation, False, [0, 0], c.g, wanted)
        return lambda: t.ops.aten.convolution_backward(*given)

    def make(layout, compiled):
        model = torch_networks.build(NETWORK, softmax=not TRAIN).to(memory_format=layouts[layout])
        x = t.from_numpy(random_input(True)).contiguous(memory_format=layouts[layout])
        if not TRAIN:
            model.eval()
            if compiled:
                import torch._inductor.config
                torch._inductor.config.freezing = True
                model = t.compile(model)

            def step():
                with t.inference_mode() if not compiled else t.no_grad():
                    model(x)
            return step
        labels, loss = t.from_numpy(random_labels()).long(), t.nn.CrossEntropyLoss()
        optimizer = t.optim.SGD(model.parameters(), 0.01, momentum=0.9)
        forward = t.compile(model) if compiled else model

        def step():
            optimizer.zero_grad()
            loss(forward(x), labels).backward()
            optimizer.step()
        return step
    def make_layer():
        """As compiled code calls oneDNN: with weights in the order that it asks for."""
        module = torch_networks.one_layer(layers.read(NETWORK)).to(memory_format=t.channels_last)
        x = t.from_numpy(random_input(True)).contiguous(memory_format=t.channels_last)
        window = (module.padding, module.stride, module.dilation, module.groups)
        weights = t.ops.mkldnn._reorder_convolution_weight(module.weight.detach(), *window, list(x.shape))
        times = range(layers.times(layers.read(NETWORK)))

        def step():
            y = x
            with t.no_grad():
                for _ in times:
                    y = t.ops.mkldnn._convolution_pointwise(y, weights, None, *window, "none", [], "")
        return step
    last = ", channels_last"
    if NETWORK.startswith("conv-") and MODE == "predict":
        return t.__version__.split("+")[0], {"eager": lambda: make("", False), "eager" + last: lambda: make(last, False),
                                             "packed" + last: make_layer}
    if MODE in ("data", "weights"):
        return t.__version__.split("+")[0], {"eager": lambda: make_gradient(""), "eager" + last: lambda: make_gradient(last)}
    return t.__version__.split("+")[0], {"eager": lambda: make("", False), "eager" + last: lambda: make(last, False),
                                         "compile" + last: lambda: make(last, True)}


def tf():
    import tensorflow as t
    t.config.threading.set_intra_op_parallelism_threads(THREADS)
    t.config.threading.set_inter_op_parallelism_threads(1)

    def make(jit, constant=False):
        model = keras_model("tensorflow")
        x, labels = t.constant(random_input()), t.constant(random_labels())
        if constant:
            call = frozen(model)
            return lambda: call(x)[0].numpy()
        if not TRAIN:
            call = t.function(lambda x: model(x, training=False), jit_compile=jit)
            return lambda: call(x).numpy()
        import keras
        optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
        optimizer.build(model.trainable_variables)

        @t.function(jit_compile=jit)
        def train(x, labels):
            with t.GradientTape() as tape:
                loss = t.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, model(x, training=True)))
            optimizer.apply(tape.gradient(loss, model.trainable_variables))
            return loss
        return lambda: train(x, labels).numpy()
    ways = {"function": lambda: make(False), "jit": lambda: make(True)}
    return t.__version__, ways if TRAIN else {"frozen": lambda: make(False, True), **ways}


def jax():
    import jax as j
    j.config.update("jax_compilation_cache_dir", str(CACHE / "jax"))
    j.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)

    def make():
        model = keras_model("jax")
        import keras
        x, labels = j.numpy.asarray(random_input()), j.numpy.asarray(random_labels())
        weights = [v.value for v in model.trainable_variables]
        others = [v.value for v in model.non_trainable_variables]
        if not TRAIN:
            call = j.jit(lambda weights, others, x: model.stateless_call(weights, others, x, training=False)[0])
            return lambda: call(weights, others, x).block_until_ready()
        optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
        optimizer.build(model.trainable_variables)

        def loss(weights, others, x, labels):
            y, others = model.stateless_call(weights, others, x, training=True)
            return j.numpy.mean(keras.losses.sparse_categorical_crossentropy(labels, y)), others

        def train(state, x, labels):
            weights, others, momenta = state
            (value, others), gradients = j.value_and_grad(loss, has_aux=True)(weights, others, x, labels)
            weights, momenta = optimizer.stateless_apply(momenta, gradients, weights)
            return value, (weights, others, momenta)
        train = j.jit(train, donate_argnums=0)
        state = [(weights, others, [v.value for v in optimizer.variables])]

        def step():
            value, state[0] = train(state[0], x, labels)
            j.block_until_ready(state[0])
        return step
    return j.__version__, {"jit": make}


# ---- choosing and measuring ----

def key():
    return f"{PEER} {NETWORK} {BATCH} {THREADS} {MODE}"


def known_ways():
    path = CACHE / "ways.json"
    return json.loads(path.read_text()) if path.exists() else {}


def remember(name, times):
    CACHE.mkdir(parents=True, exist_ok=True)
    known, unfinished = known_ways(), CACHE / f"{os.getpid()}-ways"
    known[key()], known[key() + " tried"] = name, times
    unfinished.write_text(json.dumps(known, indent=1, sort_keys=True))
    unfinished.rename(CACHE / "ways.json")


def prepare(variants):
    """Steps by the ways that may be the fastest, each taken twice; a way that fails is left out."""
    known, steps = known_ways().get(key()), {}
    for name in [known] if known in variants else variants:
        try:
            step = variants[name]()
            step(), step()
            steps[name] = step
        except Exception as error:
            print(f"{key()} {name}: {str(error).splitlines()[:1]}", file=sys.stderr, flush=True)
    return steps


def choose(steps):
    times = {}
    for name, step in steps.items():
        step()
        times[name] = measure(step, 0.3)["median"]
    best = min(times, key=times.get)
    remember(best, times)
    return best, {best: steps[best]}


def main():
    global NETWORK, MODE
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what peers print is no answer
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(CACHE / "inductor"))
    version, variants = globals()[PEER]()
    steps = prepare(variants)

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)
    answer(ways=list(steps), version=version)
    for line in sys.stdin:
        if line.strip() == "choose":
            best, steps = choose(steps)
            answer(ways=[best])
            continue
        if " " in line:
            MODE, NETWORK = line.split()
            steps.clear()
            version, variants = globals()[PEER]()
            steps = prepare(variants)
            answer(ways=list(steps), version=version)
            continue
        step = next(iter(steps.values()))
        step()
        answer(**measure(step, float(line)))


if __name__ == "__main__":
    main()
