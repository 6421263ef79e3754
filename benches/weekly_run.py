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
# Admission reads dates into instants. So that both come to the same columns, polars is asked for that too;
# with every column left as text it has less to do.
POLARS = """
import sys, time, polars
columns, dates = sys.argv[2].split(","), sys.argv[3] == "dates"
start, used = time.perf_counter(), time.process_time()
frame = polars.read_csv(sys.argv[1], columns=columns, try_parse_dates=dates)
wall, used = time.perf_counter() - start, time.process_time() - used
print(f"polars {polars.__version__}\\t{frame.height} rows\\t-\\t{wall * 1000:.0f} ms\\t{used * 1000:.0f} ms")
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


def inside(results, line=0):
    """The seconds that programs say they took themselves, without their start: of wall and processor time."""
    said = [result["out"].splitlines()[line].split("\t") for result in results]
    of = lambda field: statistics.median([float(words[field].removesuffix(" ms")) / 1000 for words in said])  # noqa: E731
    return f"{of(3):.2f} s | {of(4):.2f} s"


def row(name, results):
    walls = [result["wall"] for result in results]
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
    # polars takes more threads than it is told to: both get so many cores, and no more.
    for cores in (1, 2):
        pinned, ours = ["taskset", "--cpu-list", f"0-{cores - 1}"], []
        theirs = {"dates": [], "texts": []} if polars else {}
        for _ in runs:
            if admission:
                ours.append(measured([*pinned, admission, folder, cores]))
            for kind, results in theirs.items():
                read = [*pinned, sys.executable, "-c", POLARS, contacts, ",".join(COLUMNS), kind]
                results.append(measured(read, {"POLARS_MAX_THREADS": str(cores)}))
        word = f"{cores} core{'s' * (cores > 1)}"
        if ours:
            print(f"| admission of the contacts, 8 columns, {word} | {inside(ours)} | |")
        for kind, results in theirs.items():
            name, memory = results[0]["out"].split("\t")[0], statistics.median([it["memory"] for it in results])
            which = "the same columns" if kind == "dates" else "the same columns, dates left as text"
            print(f"| {name} `read_csv`, {which}, {word} | {inside(results)} | {memory:.2f} GiB |")
        if ours:
            print(f"| admission of all files, {word} | {inside(ours, 1)} | |")


if __name__ == "__main__":
    main()
