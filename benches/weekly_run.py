#!/usr/bin/env python3
"""Measures a weekly run on an invented CRM of a million contacts, and admission beside polars' reader.

    cargo build --release && cargo bench --bench admission --no-run
    pip install polars                        # only for the comparison; without it that part is left out
    benches/weekly_run.py                     # makes target/bench-crm if it is missing
    benches/weekly_run.py FOLDER --scale 0.1 --runs 5

Prints the table of the README: medians of several runs, wall time, processor time and the largest
resident memory of each. Who is compared runs by turns, so that a busy machine disturbs all alike.

Does not: write anything but the folder.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
COLUMNS = ["Id", "AccountId", "OwnerId", "FirstName", "LastName", "Email", "MailingCountry", "CreatedDate"]
POLARS = """
import sys, time, polars
columns = sys.argv[2].split(",")
start = time.perf_counter()
frame = polars.read_csv(sys.argv[1], columns=columns)
print(f"polars {polars.__version__}\\t{frame.height} rows\\t-\\t{(time.perf_counter() - start) * 1000:.0f} ms")
"""
# A child of its own, so that the figures are this command's alone.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
wall = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": done.returncode, "out": done.stdout, "err": done.stderr, "wall": wall,
                  "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024 / 1024}))
"""


def measured(command, environment=None):
    """Runs a command: what it printed, seconds of wall and processor time, GiB of memory."""
    environment = {**os.environ, **(environment or {})}
    words = [sys.executable, "-c", MEASURE, *map(str, command)]
    result = json.loads(subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=True).stdout)
    if result["code"] != 0:
        sys.exit(f"{' '.join(map(str, command[:3]))} … ended with {result['code']}:\n{result['err']}")
    return result


def weekly(binary, folder):
    """One run as if it were the first."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    (folder / "ledger.jsonl").unlink(missing_ok=True)
    return measured([binary, "run", folder, "--as-of", "2026-03-02"])


def inner(result, line=0, field=3):
    """The seconds that a program says it took itself, without its start: of wall time, or processor time."""
    return float(result["out"].splitlines()[line].split("\t")[field].removesuffix(" ms")) / 1000


def row(name, results, walls=None):
    walls = walls or [result["wall"] for result in results]
    median = statistics.median
    cpu, memory = median([result["cpu"] for result in results]), median([result["memory"] for result in results])
    print(f"| {name} | {median(walls):.2f} s | {cpu:.2f} s | {memory:.2f} GiB |")


def newest(pattern):
    found = [path for path in (TARGET / "release" / "deps").glob(pattern) if not path.suffix and os.access(path, os.X_OK)]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, nargs="?", default=TARGET / "bench-crm")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    folder, runs = arguments.folder, range(arguments.runs)
    if not (folder / "review.toml").exists():
        subprocess.run([sys.executable, HERE / "make_crm.py", folder, "--scale", str(arguments.scale)], check=True)
    binary, admission = TARGET / "release" / "crm-review", newest("admission-*")
    contacts = folder / "exports" / "Contact.csv"
    size = sum(path.stat().st_size for path in contacts.parent.iterdir()) / 1e6
    print(f"{size:,.0f} MB of exports, {os.cpu_count()} cores, median of {arguments.runs} runs\n")
    print("| what | wall | processor | memory |\n| --- | --- | --- | --- |")

    results = [weekly(binary, folder) for _ in runs]
    found = sum(1 for _ in next((folder / "runs").iterdir()).joinpath("findings.jsonl").open())
    row(f"`run`, whole: {found:,} findings", results)
    row("`inspect` of the contacts, 8 columns",
        [measured([binary, "inspect", contacts, "--fields", ",".join(COLUMNS)]) for _ in runs])  # fmt: skip

    try:
        import polars  # noqa: F401
    except ImportError:
        polars = None
        print("polars is not installed: `pip install polars` for the comparison", file=sys.stderr)
    for threads in (1, 2):
        ours, theirs = [], []
        for _ in runs:
            if admission:
                ours.append(measured([admission, folder, threads]))
            if polars:
                theirs.append(measured([sys.executable, "-c", POLARS, contacts, ",".join(COLUMNS)],
                                       {"POLARS_MAX_THREADS": str(threads)}))  # fmt: skip
        word = f"{threads} thread{'s' * (threads > 1)}"
        own = [[statistics.median([inner(result, line, field) for result in ours]) for field in (3, 4)]
               for line in (0, 1)] if ours else []  # fmt: skip
        if ours:
            walls = ", ".join(f"{inner(result):.2f}" for result in ours)
            print(f"admission of the contacts, {word}: {walls} s", file=sys.stderr)
            print("| admission of the contacts, 8 columns, {} | {:.2f} s | {:.2f} s | |".format(word, *own[0]))
        if theirs:
            name = theirs[0]["out"].split("\t")[0]
            row(f"{name} `read_csv`, the same columns, {word}", theirs, [inner(result) for result in theirs])
        if ours:
            print("| admission of all files, {} | {:.2f} s | {:.2f} s | |".format(word, *own[1]))


if __name__ == "__main__":
    main()
