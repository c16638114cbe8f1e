#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures everything that docs/performance.md tells in tables, and writes the tables and the picture anew.

   report.py build/cornu                 all of it, about an hour on a machine that does nothing else
   report.py build/cornu --only layers,kernels
   report.py build/cornu --write         the tables again, from the last measurements

Measurements are kept in FOLDER (beside the command: performance/), so parts can be measured again.  What stands between
<!-- NAME --> and <!-- end --> in docs/performance.md is replaced."""
import argparse
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kernels
import networks

DOCS = networks.HERE.parents[1] / "docs"
PARTS = ["start", "kernels", "errors", "predict", "layers", "train"]


# ---- measuring ----

def call(script, args, *more):
    command = [sys.executable, networks.HERE / script, args.cornu, *more]
    for name in ("lock", "nice", "log"):
        if getattr(args, name) is not None:
            command += [f"--{name}", str(getattr(args, name))]
    subprocess.run(command, check=True)


def before(args, cores):
    def prepare():
        os.sched_setaffinity(0, cores)
        if args.nice is not None:
            os.setsid()
            networks.set_priority(os.getpid(), args.nice)
    return prepare


def run_kernels(args, lists, *more):
    command = [Path(args.cornu).parent / "bench_kernels", "--list", lists, "--json", *more]
    with networks.alone(args):
        out = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=before(args, [0])).stdout
    return [json.loads(line) for line in out.splitlines()]


def measure_kernels(args):
    (args.folder / "kernels.json").write_text(json.dumps({
        "core": run_kernels(args, "core", "--math", "direct"), "core_fast": run_kernels(args, "core"),
        "batch": run_kernels(args, "batch")}, indent=1))


def time_process(args, command, times):
    """Seconds from start to end of a process, and the most memory that one of them took."""
    took = []
    for _ in range(times):
        with networks.alone(args):
            start = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=before(args, [0, 1]))
            _, status, usage = os.wait4(process.pid, 0)
            took.append(time.perf_counter() - start)
        if status:
            sys.exit(f"{command}: status {status}")
    return {"median_ms": 1e3 * statistics.median(took), "best_ms": 1e3 * min(took), "peak_mb": usage.ru_maxrss / 1e3, "runs": times}


def write_npy(path, shape):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    size = 1
    for n in shape:
        size *= n
    path.write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + header + bytes(i % 251 for i in range(size)))


def measure_start(args):
    """From the start of the process to its end: load, plan, predict one picture, print."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, shape, times in (("a", (1, 28, 28, 1), 40), ("resnet50", (1, 224, 224, 3), 10)):
            model, x = Path(folder) / f"{name}.keras", Path(folder) / f"{name}.npy"
            subprocess.run([args.cornu, "convert", networks.HERE / "networks" / f"{name}.py", model], check=True,
                           stderr=subprocess.DEVNULL)
            write_npy(x, shape)
            results[name] = time_process(args, [args.cornu, "predict", str(model), str(x)], times)
            results[name]["weights_mb"] = model.stat().st_size / 1e6
    (args.folder / "start.json").write_text(json.dumps(results, indent=1))


def measure(args, parts):
    args.folder.mkdir(parents=True, exist_ok=True)
    out = str(args.folder / "networks.json")
    if "start" in parts:
        measure_start(args)
    if "kernels" in parts:
        measure_kernels(args)
    if "errors" in parts:
        (args.folder / "errors.json").write_text(json.dumps(run_kernels(args, "core", "--error"), indent=1))
    if "predict" in parts:
        call("networks.py", args, "--json", out)
    if "layers" in parts:
        call("kernels.py", args, "--json", str(args.folder / "layers.json"))
    if "train" in parts:
        call("networks.py", args, "--train", "--json", out)


# ---- tables ----

def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def read(args, name):
    path = args.folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def rows_of(known, mode):
    for row in networks.TARGETS[mode]:
        pair = [known.get("rows", {}).get(f"{mode} {row} {threads}") for threads in (1, 2)]
        if pair[0] or pair[1]:
            network, batch = row.split(":")
            yield f"{networks.NAMES[network]}, {batch}", pair


def mark(record):
    text = f"{record['ratio']:.2f}"
    return f"**{text}**" if record["target"] and record["ratio"] < record["target"] else text


def network_table(known, mode):
    lines = ["| network, batch | threads | Cornu, ms | fastest peer | its ms | ratio | aimed at | the others, ms |", "|---|---|---|---|---|---|---|---|"]
    for name, pair in rows_of(known, mode):
        for record in filter(None, pair):
            peers = sorted(record["peers"].items(), key=lambda item: item[1]["ms"])
            others = ", ".join(f"{networks.SHOWN[p]} {number(d['ms'])}" for p, d in peers[1:])
            best = record["peers"][record["best"]]["ms"]
            lines.append(f"| {name} | {record['threads']} | {number(record['cornu'])} | {networks.SHOWN[record['best']]} | {number(best)} | "
                         f"{mark(record)} | {record['target'] or '-'} | {others} |")
    return lines


def scaling_table(known):
    lines = ["| network, batch | one thread, ms | two, ms | times as fast |", "|---|---|---|---|"]
    for mode, what in (("predict", ""), ("train", ", training")):
        for name, (one, two) in rows_of(known, mode):
            if one and two:
                lines.append(f"| {name}{what} | {number(one['cornu'])} | {number(two['cornu'])} | {one['cornu'] / two['cornu']:.2f} |")
    return lines


def losing(known):
    lines = []
    for mode, what in (("predict", "prediction"), ("train", "training")):
        for name, pair in rows_of(known, mode):
            for record in filter(None, pair):
                if record["target"] and record["ratio"] < record["target"]:
                    verdict = "slower than the fastest peer" if record["ratio"] < 1 else "faster, but less than aimed at"
                    lines.append(f"- {name}, {what}, {record['threads']} thread{'s' if record['threads'] > 1 else ''}: "
                                 f"{record['ratio']:.2f} of {record['target']} ({verdict})")
    return lines or ["None."]


def layer_table(rows):
    lines = ["| layer | forward, us | fastest peer, us | ratio | for the data, us | oneDNN, us | ratio | for the weights, us | oneDNN, us | ratio |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for name, row in rows.items():
        cells = [name + (" *" if row.get("fwd", {}).get("times") == 1 else "")]
        forward = row.get("fwd")
        cells += [number(1e3 * forward["cornu"]), f"{networks.SHOWN[forward['best']]} {number(1e3 * forward['peers'][forward['best']])}",
                  f"{forward['ratio']:.2f}"] if forward and forward.get("best") else ["-"] * 3
        for which in ("data", "weights"):
            d = row.get(which)
            cells += [number(1e3 * d["cornu"]), number(1e3 * d["torch"]), f"{d['ratio']:.2f}"] if d else ["-"] * 3
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, "", kernels.depthwise_means(rows)] if rows else lines


def kernel_table(known):
    lines = ["| layer | forward | for the data | for the weights |", "|---|---|---|---|"]
    direct = {row["shape"]: row for row in known.get("core", [])}
    for row in known.get("core_fast", []) + known.get("batch", []):
        cells = []
        for which in ("fwd", "data", "weights"):
            rate, share = 1e3 * row["mflop"] / max(row[f"{which}_us"], 1e-9), row[f"{which}_percent"]
            plain = direct.get(row["shape"], {}).get(f"{which}_percent")
            cells.append(f"{rate:.0f} ({share:.0f} %" + (f"; direct {plain:.0f} %)" if plain and abs(share - plain) > 8 else ")"))
        lines.append(f"| {row['shape']} | " + " | ".join(cells) + " |")
    dense = [r for r in known.get("core", []) if is_dense(r["shape"])]
    medians = ", ".join(f"{name} {statistics.median(r[f'{which}_percent'] for r in dense):.0f} %"
                        for which, name in (("fwd", "forward"), ("data", "for the data"), ("weights", "for the weights"))) if dense else "-"
    if not direct:
        return lines
    return lines + ["", f"Medians of the direct kernels over the layers with 16 channels or more on both sides, neither depthwise nor grouped: {medians}."]


def is_dense(shape):
    channels = re.search(r"(\d+)->(\d+)", shape)
    return bool(channels) and not re.search(r" g\d", shape) and min(map(int, channels.groups())) >= 16


def error_table(rows):
    lines = ["| layer | pass | L2 | direct kernels | ratio | worst element / largest | direct kernels |", "|---|---|---|---|---|---|---|"]
    names = {"fwd": "forward", "data": "for the data", "weights": "for the weights"}
    for row in rows:
        if row["l2"] != row["direct_l2"]:
            lines.append(f"| {row['shape']} | {names[row['pass']]} | {row['l2']:.1e} | {row['direct_l2']:.1e} | {row['l2'] / row['direct_l2']:.1f} | "
                         f"{row['worst']:.1e} | {row['direct_worst']:.1e} |")
    return lines


def start_table(start):
    lines = ["| | from start to end, ms | best | peak memory, MB | file, MB | memory / file |", "|---|---|---|---|---|---|"]
    names = {"a": "A, one picture", "resnet50": "ResNet-50, one picture"}
    return lines + [f"| {names[key]} | {number(d['median_ms'])} | {number(d['best_ms'])} | {d['peak_mb']:.0f} | {d['weights_mb']:.1f} | "
                    f"{d['peak_mb'] / d['weights_mb']:.2f} |" for key, d in start.items() if key in names]


def how_often(known):
    ways = sorted({(record["rounds"], record["seconds"]) for record in known.get("rows", {}).values() if "rounds" in record})
    return f" Rounds: {' or '.join(f'{rounds} of {seconds} s' for rounds, seconds in ways)}." if ways else ""


def machine(args, known):
    versions = {}
    for record in known.get("rows", {}).values():
        for peer, d in record["peers"].items():
            versions[networks.SHOWN[peer]] = d["version"]
    about, dates = known.get("machine", {}), [record["date"] for record in known.get("rows", {}).values()]
    return [f"Machine: {about.get('cores')} cores of {about.get('cpu')}, {about.get('instructions')}. Peers: "
            + ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
            + f". Date: {max(dates) if dates else datetime.date.today()}." + how_often(known) + (f" {args.note}" if args.note else "")]


# ---- the picture ----

def picture(known):
    """Bars of the ratios: the fastest peer's time / Cornu's; a line where they are equal, a mark where it was aimed."""
    width, left, bar, gap = 860, 150, 9, 12
    most = max([5.0] + [max(r["ratio"], r["target"] or 0) for r in known.get("rows", {}).values()])
    scale = (width - left - 60) / most
    out, y = [], 46
    for mode, title in (("predict", "Predictions"), ("train", "Training steps")):
        if not list(rows_of(known, mode)):
            continue
        out.append(f'<text x="12" y="{y}" class="t">{title}</text>')
        y += 18
        top = y
        for at in range(1, int(most) + 1):
            out.append(f'<text x="{left + at * scale:.1f}" y="{top - 6}" class="x">{at}</text>')
        for name, pair in rows_of(known, mode):
            out.append(f'<text x="{left - 8}" y="{y + bar + 3}" class="n">{name}</text>')
            for i, record in enumerate(pair):
                if record:
                    x = record["ratio"] * scale
                    place = y + i * (bar + 1)
                    out.append(f'<rect x="{left}" y="{place}" width="{x:.1f}" height="{bar}" class="b{i + 1}"/>')
                    at = record["target"] * scale if record["target"] else 0
                    if at:
                        out.append(f'<path d="M{left + at:.1f} {place - 1}v{bar + 2}" class="a"/>')
                    beside = at if x < at + 4 and at < x + 32 else x  # never below the mark
                    out.append(f'<text x="{left + beside + 4:.1f}" y="{place + bar - 1}" class="v">{record["ratio"]:.2f}</text>')
            y += 2 * bar + gap
        out.append(f'<path d="M{left + scale:.1f} {top - 4}V{y - gap + 4}" class="l"/>')
        y += 22
    style = ("text{font:11px sans-serif;fill:#445}.t{font:bold 14px sans-serif}.n{text-anchor:end}.x{font-size:9px;text-anchor:middle}.v{font-size:9px}"
             ".b1{fill:#3a7bd5}.b2{fill:#8a5cc2}.l{stroke:#d33;stroke-width:1.2}.a{stroke:#2a2;stroke-width:2;fill:none}")
    legend = (f'<text x="12" y="20">The fastest peer\'s time / Cornu\'s.</text><rect x="250" y="11" width="20" height="{bar}" class="b1"/>'
              f'<text x="275" y="20">one thread</text><rect x="350" y="11" width="20" height="{bar}" class="b2"/><text x="375" y="20">two</text>'
              '<path d="M420 10v12" class="l"/><text x="426" y="20">equal</text><path d="M476 10v12" class="a"/><text x="482" y="20">aimed at</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" role="img" '
            f'aria-label="Ratios of the fastest peer\'s time to Cornu\'s">\n<style>{style}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n{legend}\n' + "\n".join(out) + "\n</svg>\n")


def write(args):
    known, path = read(args, "networks"), DOCS / "performance.md"
    parts = {"machine": machine(args, known), "predict": network_table(known, "predict"), "train": network_table(known, "train"),
             "scaling": scaling_table(known), "losing": losing(known), "layers": layer_table(read(args, "layers")),
             "kernels": kernel_table(read(args, "kernels")), "start": start_table(read(args, "start")), "errors": error_table(read(args, "errors"))}
    text = path.read_text()
    for name, lines in parts.items():
        if lines[-1].startswith("|---"):
            lines = ["Not measured on this version yet."]
        text, count = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m: m[1] + "\n".join(lines) + "\n" + m[2], text, flags=re.S)
        if not count:
            print(f"{path}: no place for {name}", file=sys.stderr)
    path.write_text(text)
    (DOCS / "pictures/performance.svg").write_text(picture(known))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cornu", type=os.path.abspath)
    parser.add_argument("--only", default=PARTS, type=lambda text: text.split(","), help=",".join(PARTS))
    parser.add_argument("--write", action="store_true", help="measure nothing")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--note", help="what else is to be told of the machine")
    parser.add_argument("--lock")
    parser.add_argument("--log")
    parser.add_argument("--nice", type=int)
    args = parser.parse_args()
    args.folder = args.folder or Path(args.cornu).parent / "performance"
    if not args.write:
        measure(args, args.only)
    write(args)


if __name__ == "__main__":
    main()
