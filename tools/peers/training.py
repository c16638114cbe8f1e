#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A training step of model A beside PyTorch's, in turn on the same cores (needs tools/peers/setup.sh).

   training.py build/bench_training [--threads 1,2] [--batches 1,32,128] [--rounds 5]

Model A: 28x28x1, Conv 32 5x5 relu, MaxPool, Conv 64 5x5 relu, MaxPool, Flatten, Dense 1000 relu, Dense 10; SGD with
momentum.  Each round runs Cornu, then PyTorch, each in a process of its own that gives the median of its steps; the
table has the median over the rounds, and the ratio is PyTorch's time / Cornu's."""
import argparse, re, statistics, subprocess, sys

STEPS = 40


def torch_step(threads, batch):
    import time
    import torch
    from torch import nn
    torch.set_num_threads(threads)
    model = nn.Sequential(nn.Conv2d(1, 32, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 5), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1024, 1000), nn.ReLU(), nn.Linear(1000, 10))
    optimizer, loss = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9), nn.CrossEntropyLoss()
    x, y, times = torch.rand(batch, 1, 28, 28), torch.arange(batch) % 10, []
    for _ in range(STEPS):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()
        times.append(1e3 * (time.perf_counter() - start))
    print(f"median {statistics.median(times):.3f} ms")


def median_of(command):
    return float(re.search(r"median ([\d.]+) ms", subprocess.run(command, capture_output=True, text=True, check=True).stdout)[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cornu")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--batches", default="1,32,128")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print("| batch | threads | Cornu, ms | PyTorch, ms | ratio |\n|---|---|---|---|---|")
    for batch in args.batches.split(","):
        for threads in args.threads.split(","):
            ours, theirs = [], []
            for _ in range(args.rounds):
                ours.append(median_of([args.cornu, threads, batch, "valid"]))
                theirs.append(median_of([sys.executable, __file__, "--step", threads, batch]))
            ratio = statistics.median(b / a for a, b in zip(ours, theirs))
            print(f"| {batch} | {threads} | {statistics.median(ours):.2f} | {statistics.median(theirs):.2f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        torch_step(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
