#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers beside the peers, in turn on one core: forward as a network of eight equal layers, gradients as single calls.

   kernels.py build/cornu [--filter depthwise] [--peers ort,openvino,litert] [--json FILE]

The shapes are those of bench/shapes/core.txt that can follow themselves.  Gradients of Cornu come from bench_kernels beside
the command, those of the peer from PyTorch, whose convolutions are oneDNN's.  Ratios are the fastest peer's time / Cornu's."""
import argparse
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

import layers
import networks


def shapes(wanted):
    for line in (networks.HERE.parents[1] / "bench/shapes/core.txt").read_text().splitlines():
        if line.startswith("conv "):
            text = line.split()[1]
            c = layers.read("conv-" + text)
            name = f"{'depthwise ' if layers.is_depthwise(c) else ''}{c.kh}x{c.kh} {c.ic}{'' if layers.is_depthwise(c) else f'->{c.oc}'} " \
                f"{c.ih}x{c.iw}{f' d{c.dh + 1}' if c.dh else ''}{f' g{c.g}' if 1 < c.g < c.ic else ''}"
            if layers.repeats(c) and (not wanted or wanted in name):
                yield text, c, name


def measure_cornu_pass(args, text, which):
    """One pass of one shape by bench_kernels, in milliseconds."""
    def prepare():
        networks.os.sched_setaffinity(0, [0])
        if args.nice is not None:
            networks.os.setsid()
            networks.set_priority(networks.os.getpid(), args.nice)
    one = Path(args.cornu).parent / "one-shape.txt"
    one.write_text(f"conv {text}\n")
    command = [Path(args.cornu).parent / "bench_kernels", "--list", one, "--pass", which, "--json", "--seconds", str(args.seconds)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=prepare, check=True)
    return json.loads(done.stdout)[f"{which}_us"] / 1e3


def measure_pass(args, text, which):
    peer, ours, theirs = networks.Peer("torch", "conv-" + text, 1, 1, which, args), [], []
    if not peer.ready(args.nice):
        return None
    peer.choose(args)
    for _ in range(args.rounds):
        with networks.alone(args):
            ours.append(measure_cornu_pass(args, text, which))
            theirs.append(peer.ask(args.seconds)["best"])
    peer.end()
    return {"cornu": statistics.median(ours), "torch": statistics.median(theirs),
            "ratio": statistics.median(b / a for a, b in zip(ours, theirs))}


def mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cornu")
    parser.add_argument("--filter")
    parser.add_argument("--peers", default="ort,openvino,litert", type=lambda text: text.split(","))
    parser.add_argument("--passes", default="fwd,data,weights")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--json", type=Path)
    for name in ("--lock", "--log", "--math"):
        parser.add_argument(name)
    parser.add_argument("--nice", type=int)
    args = parser.parse_args()
    rows = {}
    print("| layer | forward, us | best peer | ratio | data, us | oneDNN | ratio | weights, us | oneDNN | ratio |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for text, c, name in shapes(args.filter):
        row = rows[name] = {"text": text, "depthwise": layers.is_depthwise(c), "kernel": c.kh}
        cells = []
        if "fwd" in args.passes:
            record = networks.measure_row(f"conv-{text}:1", 1, "predict", args)
            row["fwd"] = {"cornu": record["cornu"] / layers.REPEATS, "best": record.get("best"), "ratio": record.get("ratio"),
                          "peers": {p: d["ms"] / layers.REPEATS for p, d in record["peers"].items()}}
            best = row["fwd"]["best"]
            cells = [f"{1e3 * row['fwd']['cornu']:.1f}", f"{networks.SHOWN[best]} {1e3 * row['fwd']['peers'][best]:.1f}",
                     f"{row['fwd']['ratio']:.2f}"]
        for which in ("data", "weights"):
            row[which] = measure_pass(args, text, which) if which in args.passes else None
            d = row[which]
            cells += [f"{1e3 * d['cornu']:.1f}", f"{1e3 * d['torch']:.1f}", f"{d['ratio']:.2f}"] if d else ["-", "-", "-"]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
        if args.json:
            args.json.write_text(json.dumps(rows, indent=1))
    depthwise = [row for row in rows.values() if row["depthwise"]]
    print(f"geometric means over the depthwise layers: forward {mean(r['fwd']['ratio'] for r in depthwise if r.get('fwd')):.2f} (aimed at 1.3), "
          f"weights of 5x5 and 7x7 {mean(r['weights']['ratio'] for r in depthwise if r.get('weights') and r['kernel'] > 3):.2f} (aimed at 8)")


if __name__ == "__main__":
    sys.path.insert(0, str(networks.HERE))
    main()
