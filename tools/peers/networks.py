#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks beside the peers, in turn on the same cores (tools/peers/setup.sh installs the peers).

   networks.py build/cornu                                   predictions: all rows, one thread and two
   networks.py build/cornu --rows D:1,resnet50:1 --threads 1 --peers ort,openvino
   networks.py build/cornu --train --rows A:32               training steps: forward, loss, backward, update (SGD, momentum)

A row is NETWORK:BATCH.  Every peer is a process that is made ready once; then each round measures Cornu (a new process
each time) and every peer for --seconds, pinned to the first core or cores.  A round gives the median of its runs; the
table has the median over the rounds, and the ratio is that of the fastest peer's time to Cornu's, median over the
rounds.  --json FILE collects the results of several calls: a row measured again replaces the older one."""
import argparse
import contextlib
import datetime
import fcntl
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

import layers

HERE = Path(__file__).resolve().parent
PEERS = Path(os.environ.get("CORNU_PEERS", Path.home() / ".cache/cornu/peers"))
SHOWN = {"ort": "ONNX Runtime", "openvino": "OpenVINO", "litert": "LiteRT", "ncnn": "ncnn", "tf": "TensorFlow",
         "torch": "PyTorch", "jax": "JAX"}
NAMES = {"A": "A", "B": "B", "C": "C", "D": "D", "resnet18": "ResNet-18", "resnet50": "ResNet-50",
         "mobilenet_v2": "MobileNetV2", "vgg16": "VGG-16", "mobilenet": "MobileNet", "mobilenet_v3": "MobileNetV3",
         "efficientnet_b0": "EfficientNet-B0", "densenet121": "DenseNet-121", "unet": "U-Net", "convnext_tiny": "ConvNeXt-T"}
UNAIMED = (None, None)  # networks that were added later
# What is aimed at: the fastest peer's time / Cornu's, with one thread and with two.
TARGETS = {
    "predict": {"A:1": (1.25, 1.3), "B:1": (1.35, 1.7), "C:1": (1.3, 1.7), "D:1": (1.15, 1.3), "resnet18:1": (1.7, 1.6),
                "resnet50:1": (1.08, 1.08), "mobilenet_v2:1": (1.25, 1.1), "vgg16:1": (1.5, 1.4), "A:32": (1.3, 1.25),
                "B:32": (1.8, 1.8), "D:32": (1.6, 1.5), "mobilenet:1": UNAIMED, "mobilenet_v3:1": UNAIMED,
                "efficientnet_b0:1": UNAIMED, "densenet121:1": UNAIMED, "unet:1": UNAIMED, "convnext_tiny:1": UNAIMED},
    "train": {"A:1": (3.6, 4), "A:32": (1.8, 2.2), "A:128": (1.7, 1.8), "B:32": (2.0, 2.2), "C:16": (2.2, 2.8),
              "D:1": (3.5, 4.5), "D:32": (2.0, 2.4), "D:128": (2.0, 2.2), "resnet18:8": (2.0, 2.3),
              "resnet50:8": (1.6, 2.2), "mobilenet_v2:8": (2.2, 2.0), "efficientnet_b0:8": UNAIMED},
}


def set_priority(pid, nice):
    """Of every thread, and of the session where the kernel weighs sessions (sched_autogroup) before threads."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, int(task), nice)


class Peer:
    """A process with one peer and one network."""

    def __init__(self, name, network, batch, threads, mode, args):
        self.name, self.answer, self.times = name, None, []

        def prepare():
            os.sched_setaffinity(0, range(threads))
            if args.nice is not None:  # until it measures
                os.setsid()
                set_priority(os.getpid(), 5)
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.log = open(args.log, "a") if args.log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            [PEERS / "bin/python", HERE / "peer.py", name, network.lower(), str(batch), str(threads), mode, PEERS / "models"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment, preexec_fn=prepare)

    def read(self):
        try:
            return json.loads(self.process.stdout.readline() or "null")
        except ValueError:
            return None

    def ready(self, nice):
        self.answer = self.read()
        if self.answer and nice is not None:
            set_priority(self.process.pid, nice)
        if not self.answer:
            print(f"{self.name}: no answer", file=sys.stderr, flush=True)
        return self.answer and self.answer["ways"]

    def become(self, network, mode):
        """The same peer with another network, without starting anew."""
        self.answer, self.times = self.ask(f"{mode} {network.lower()}"), []
        return self.answer and self.answer["ways"]

    def ask(self, what):
        try:
            self.process.stdin.write(f"{what}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            print(f"{self.name}: ended", file=sys.stderr, flush=True)
            return None
        return self.read()

    def choose(self, args):
        """Of several ways the fastest, which is then remembered."""
        if len(self.answer["ways"]) > 1:
            with alone(args):
                self.answer.update(self.ask("choose") or {})

    def end(self):
        self.process.kill()
        self.process.wait()


def measure_cornu(args, network, batch, threads, mode):
    def prepare():
        os.sched_setaffinity(0, range(threads))
        if args.nice is not None:
            os.setsid()
            set_priority(os.getpid(), args.nice)
    known = HERE / "networks" / f"{network.lower()}.py"
    command = [args.cornu, "bench", known if known.exists() else "model = " + layers.keras_text(layers.read(network)), "--batch", str(batch), "--threads", str(threads),
               "--seconds", str(args.seconds), "--json", "--quiet"]
    if mode == "train":
        command.append("--train")
    if args.math:
        command += ["--math", args.math]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=prepare)
    if done.returncode:
        sys.exit(f"{network}:{batch}: {done.stderr.strip()}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def alone(args):
    if not args.lock:
        yield
        return
    with open(args.lock, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def measure_row(row, threads, mode, args):
    network, batch = row.split(":")
    peers = [Peer(name, network, int(batch), threads, mode, args) for name in args.peers]
    try:
        return measure_rounds(row, threads, mode, [peer for peer in peers if peer.ready(args.nice)], args)
    finally:
        for peer in peers:
            peer.end()


def measure_rounds(row, threads, mode, peers, args):
    network, batch = row.split(":")
    for peer in peers:
        peer.choose(args)
    cornu, details = [], []
    for _ in range(args.rounds):
        with alone(args):
            details.append(measure_cornu(args, network, int(batch), threads, mode))
            cornu.append(details[-1]["median_ms"])
            for peer in list(peers):
                result = peer.ask(args.seconds)
                if result:
                    peer.times.append(result["median"])
                else:
                    peers.remove(peer)
    record = {"row": row, "threads": threads, "mode": mode, "cornu": statistics.median(cornu), "cornu_rounds": cornu,
              "best_ms": min(d["best_ms"] for d in details), "details": details[0], "peers": {}, "rounds": args.rounds, "seconds": args.seconds, "date": str(datetime.date.today()),
              "target": TARGETS[mode].get(row, (None, None))[threads - 1] if threads < 3 else None}
    for peer in peers:
        record["peers"][peer.name] = {**peer.answer, "ms": statistics.median(peer.times), "rounds": peer.times,
                                      "ratio": statistics.median(b / a for a, b in zip(cornu, peer.times))}
    if peers:
        best = min(record["peers"], key=lambda name: record["peers"][name]["ms"])
        record["best"], record["ratio"] = best, record["peers"][best]["ratio"]
    return record


def prepare_row(row, threads, mode, args):
    """Models are converted and compiled, one peer at a time."""
    network, batch = row.split(":")
    for name in args.peers:
        peer = Peer(name, network, int(batch), threads, mode, args)
        print(mode, row, threads, name, (peer.ready(None) and peer.answer["ways"]) or "-", flush=True)
        peer.end()


def show_header():
    print("| network, batch | threads | Cornu, ms | best peer | its ms | ratio | target | others, ms |")
    print("|---|---|---|---|---|---|---|---|")


def show(record):
    network, batch = record["row"].split(":")
    number = lambda ms: f"{ms:.3g}" if ms < 100 else f"{ms:.0f}"
    others = ", ".join(f"{name} {number(p['ms'])}" for name, p in sorted(record["peers"].items(), key=lambda x: x[1]["ms"])[1:])
    best, target = record.get("best"), record.get("target")
    verdict = "" if not target or not best else " **" if record["ratio"] < target else ""
    print(f"| {NAMES[network]}, {batch} | {record['threads']} | {number(record['cornu'])} | {SHOWN.get(best, '-')} | "
          f"{number(record['peers'][best]['ms']) if best else '-'} | {verdict and '**'}{record.get('ratio', 0):.2f}{verdict.strip()} | "
          f"{target or '-'} | {others} |", flush=True)


def save(path, record, args):
    known = json.loads(path.read_text()) if path.exists() else {"rows": {}}
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    known["machine"] = {"cpu": cpu, "cores": os.cpu_count(), "instructions": record["details"]["instructions"]}
    known["rows"][f"{record['mode']} {record['row']} {record['threads']}"] = record
    path.write_text(json.dumps(known, indent=1, sort_keys=True))


def row_of(text):
    network, _, batch = text.partition(":")
    short = {"r18": "resnet18", "r50": "resnet50", "mnv2": "mobilenet_v2", "vgg": "vgg16", "resnet-18": "resnet18",
             "resnet-50": "resnet50", "mobilenetv2": "mobilenet_v2", "vgg-16": "vgg16"}
    known = {name.lower(): name for name in NAMES}
    network = known.get(short.get(network.lower(), network.lower()))
    if not network or not (batch or "1").isdigit():
        raise argparse.ArgumentTypeError(f"{text}: expected NETWORK:BATCH, with a network of {', '.join(NAMES)}")
    return f"{network}:{batch or 1}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cornu")
    parser.add_argument("--rows", type=lambda text: [row_of(one) for one in text.split(",")])
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--threads", default="1,2", type=lambda text: [int(one) for one in text.split(",")])
    parser.add_argument("--peers", help="of " + ",".join(SHOWN), type=lambda text: text.split(",") if text != "none" else [])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6, help="of each measurement")
    parser.add_argument("--prepare", action="store_true", help="only make the peers' models, so that measuring goes quickly")
    parser.add_argument("--math", help="passed on to cornu bench")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--lock", help="a file that is locked during each round, where several measure on one machine")
    parser.add_argument("--nice", type=int, help="priority of what is measured; the peers are made ready with the lowest")
    parser.add_argument("--log", help="a file for what the peers print")
    args = parser.parse_args()
    mode = "train" if args.train else "predict"
    if args.peers is None:
        args.peers = ["torch", "tf", "jax"] if args.train else list(SHOWN)
    if not args.prepare:
        show_header()
    for row in args.rows or TARGETS[mode]:
        for threads in args.threads:
            if args.prepare:
                prepare_row(row, threads, mode, args)
                continue
            record = measure_row(row, threads, mode, args)
            show(record)
            if args.json:
                save(args.json, record, args)


if __name__ == "__main__":
    main()
