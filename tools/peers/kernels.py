#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers beside the peers, in turn on one core: forward as a network of eight equal layers, gradients as single calls.

   kernels.py build/cornu [--list core] [--filter depthwise] [--peers ort,openvino,litert,ncnn,torch] [--json FILE]

The shapes are those of a list of bench/shapes; one that cannot follow itself is a network of one layer, whose time holds
what a peer does to its input and output.  Gradients of Cornu come from bench_kernels beside the command, those of the
peer from PyTorch, whose convolutions are oneDNN's.  Ratios are the fastest peer's time / Cornu's.  A peer is started
once for all layers; the first call converts models, later ones take three minutes."""
import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import layers
import networks


def name_of(c):
    name = f"{c.kh}x{c.kw}{f'/{c.sh}' if c.sh > 1 else ''} {c.ic}"
    if layers.is_depthwise(c):
        name = f"depthwise {name}"
    else:
        name += f"->{c.oc}"
    return f"{name} {c.ih}x{c.iw}{f' d{c.dh + 1}' if c.dh else ''}{f' g{c.g}' if 1 < c.g < c.ic else ''}"


def shapes(name, wanted):
    for line in (networks.HERE.parents[1] / f"bench/shapes/{name}.txt").read_text().splitlines():
        if line.startswith("conv "):
            text = line.split()[1]
            c = layers.read("conv-" + text)
            if not wanted or wanted in name_of(c):
                yield text, c, name_of(c)


class Peers:
    """One process for each peer, made ready for one layer after another."""

    def __init__(self, args):
        self.args, self.known = args, {}

    def ready(self, name, network, mode):
        peer = self.known.get(name)
        if peer and peer.become(network, mode):
            return peer
        if not peer or not peer.answer:  # the first time, or it did not survive the last layer
            if peer:
                peer.end()
            self.known[name] = peer = networks.Peer(name, network, 1, 1, mode, self.args)
            if peer.ready(self.args.nice):
                return peer
        return None

    def end(self):
        for peer in self.known.values():
            peer.end()


def measure_cornu_gradient(args, text, which):
    """One shape by bench_kernels, in milliseconds."""
    def prepare():
        networks.os.sched_setaffinity(0, [0])
        if args.nice is not None:
            networks.os.setsid()
            networks.set_priority(networks.os.getpid(), args.nice)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as one:
        one.write(f"conv {text}\n")
        one.flush()
        command = [Path(args.cornu).parent / "bench_kernels", "--list", one.name, "--pass", which, "--json", "--seconds", str(args.seconds)]
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=prepare, check=True)
    return json.loads(done.stdout)[f"{which}_us"] / 1e3


def measure_gradient(args, peers, text, which):
    peer, ours, theirs = peers.ready("torch", "conv-" + text, which), [], []
    if not peer:
        return None
    peer.choose(args)
    for _ in range(args.rounds):
        with networks.alone(args):
            ours.append(measure_cornu_gradient(args, text, which))
            theirs.append(peer.ask(args.seconds)["best"])
    return {"cornu": statistics.median(ours), "torch": statistics.median(theirs),
            "ratio": statistics.median(b / a for a, b in zip(ours, theirs))}


def measure_forward(args, peers, text, c):
    ready = [peers.ready(name, "conv-" + text, "predict") for name in args.peers]
    record = networks.measure_rounds(f"conv-{text}:1", 1, "predict", [peer for peer in ready if peer], args)
    return {"cornu": record["cornu"] / layers.times(c), "best": record.get("best"), "ratio": record.get("ratio"), "times": layers.times(c),
            "peers": {p: d["ms"] / layers.times(c) for p, d in record["peers"].items()}}


def mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def depthwise_means(rows):
    """What is aimed at for depthwise layers, in a sentence."""
    depthwise = [row for row in rows.values() if row["depthwise"]]
    forward = mean(row["fwd"]["ratio"] for row in depthwise if row.get("fwd", {}).get("ratio"))
    weights = mean(row["weights"]["ratio"] for row in depthwise if row.get("weights") and row["kernel"] > 3)
    return (f"Geometric means over the depthwise layers: forward {forward:.2f} times the fastest peer (aimed at: 1.3), "
            f"for the weights of 5x5 and 7x7 {weights:.1f} times oneDNN (aimed at: 8).")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cornu")
    parser.add_argument("--list", default="core")
    parser.add_argument("--filter")
    parser.add_argument("--peers", default="ort,openvino,litert,ncnn,torch", type=lambda text: text.split(","))
    parser.add_argument("--passes", default="fwd,data,weights")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.08)
    parser.add_argument("--json", type=Path)
    for name in ("--lock", "--log", "--math"):
        parser.add_argument(name)
    parser.add_argument("--nice", type=int)
    args = parser.parse_args()
    rows, peers = {}, Peers(args)
    print("| layer | forward, us | best peer | ratio | data, us | oneDNN | ratio | weights, us | oneDNN | ratio |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for text, c, name in shapes(args.list, args.filter):
        row = rows[name] = {"text": text, "depthwise": layers.is_depthwise(c), "kernel": c.kh}
        cells = []
        if "fwd" in args.passes:
            row["fwd"] = measure_forward(args, peers, text, c)
            best = row["fwd"]["best"]
            cells = [f"{1e3 * row['fwd']['cornu']:.1f}", f"{networks.SHOWN[best]} {1e3 * row['fwd']['peers'][best]:.1f}",
                     f"{row['fwd']['ratio']:.2f}"] if best else ["-", "-", "-"]
        for which in ("data", "weights"):
            d = row[which] = measure_gradient(args, peers, text, which) if which in args.passes else None
            cells += [f"{1e3 * d['cornu']:.1f}", f"{1e3 * d['torch']:.1f}", f"{d['ratio']:.2f}"] if d else ["-", "-", "-"]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
        if args.json:
            args.json.write_text(json.dumps(rows, indent=1))
    peers.end()
    print(depthwise_means(rows))


if __name__ == "__main__":
    sys.path.insert(0, str(networks.HERE))
    main()
