#!/usr/bin/env python3
"""Compares `crm-review match` with Splink on labelled sets: how right, how fast, how much memory.

    cargo build --release
    pip install splink==5.0.0 "duckdb<2" pandas pyarrow   # Splink 5.0.0 does not run on DuckDB 2
    benches/linkage.py FOLDER                                  # every labelled set of the folder
    benches/linkage.py FOLDER --crm 100000,1000000 --repeat 3  # and generated CRMs of these sizes
    benches/linkage.py FOLDER --engine ours --sets febrl3,restaurants

Prints the table of the README and writes all figures to target/linkage.json. FOLDER is not part of
the project; the README says where the published sets come from. It holds, for each set:

    data/er/SET/records.csv     with a column `id`, and `source` where records of two sources are linked
    data/er/SET/clusters.csv    the truth, `id,cluster_id`; or
    data/er/SET/pairs.csv       the truth, `id_l,id_r`

and, for all of them:

    bench/splink_run.py RECORDS TRUTH --out PAIRS --json FIGURES --noeval --threads N [--link] [--config NAME]
                                sets Splink up for the set, and writes its scored pairs
    bench/evalpairs.py          `evaluate`, which scores both engines' pairs alike
    bench/gen_contacts.py --kind contacts|accounts --n N --out DIR
                                invents a CRM of that size, for `--crm`

Splink writes every pair that it compared, `match` those that are one with a chance of one in a hundred
thousand or more: candidate recall is what of the true pairs was written. Clusters are the connected components at
the default threshold, for both. Seconds and memory are those of the whole process, start and writing
included; under the table stands how much of Splink's is the start of Python. The engines run by turns,
so that a busy machine disturbs all alike; nothing is trained on the truth.

Does not: judge thresholds other than 0.5 and the best; write anything but target/.
"""

import argparse
import csv
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
DEFAULT = 0.5
OURS, SPLINK, TUNED = "crm-review", "Splink", "Splink, tuned by hand"
ACCURACY = ["candidate_recall", "f1_default", "best_f1", "average_precision", "cluster_f1"]
COST = ["wall_seconds", "cpu_seconds", "peak_mb"]
# A small process of its own starts the command: the peak that a system reports for a child is never
# below what its parent held when it started it. Arguments: log, then the command.
MEASURE = """
import os, sys, time
log, command = sys.argv[1], sys.argv[2:]
to_log = [(os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
start = time.perf_counter()
child = os.posix_spawn(command[0], command, os.environ, file_actions=to_log)
_, status, used = os.wait4(child, 0)
wall, cpu, kilobytes = time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss
print(os.waitstatus_to_exitcode(status), wall, cpu, kilobytes / 1024)
"""


class Set:
    """One labelled set: its folder, its truth, and whether records of two sources are linked."""

    def __init__(self, folder):
        self.name, self.records = folder.name, folder / "records.csv"
        clusters = folder / "clusters.csv"
        self.truth = clusters if clusters.exists() else folder / "pairs.csv"
        with self.records.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            self.columns = next(rows)
            self.size = sum(1 for _ in rows)
        self.link = "source" in self.columns

    def is_contacts(self):
        return {"first_name", "last_name", "company"} <= set(self.columns)


def labelled(folder, names):
    root = folder / "data" / "er"
    if names is None:
        names = sorted(one.name for one in root.iterdir() if (one / "records.csv").exists())
    missing = [name for name in names if not (root / name / "records.csv").exists()]
    if missing:
        sys.exit(f"no such set in data/er: {', '.join(missing)}")
    return [root / name for name in names]


def generated(folder, sizes):
    """Folders of invented contacts and accounts of each size, made if they are missing."""
    generator, folders = folder / "bench" / "gen_contacts.py", []
    for kind in ("contacts", "accounts"):
        for size in sizes:
            made = TARGET / "er" / f"crm_{kind}_{size}"
            if not (made / "clusters.csv").exists():
                words = [sys.executable, generator, "--kind", kind, "--n", str(size), "--out", made]
                subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            folders.append(made)
    return folders


def command(engine, data, pairs, arguments):
    """The words that make an engine write its scored pairs."""
    link, threads = ["--link"] * data.link, ["--threads", arguments.threads]
    if engine == OURS:
        return [TARGET / "release" / "crm-review", "match", data.records, "--pairs", pairs, *link, *threads]
    config = ["--config", "crm_contacts_tuned"] if engine == TUNED else []
    files = [data.records, data.truth, "--out", pairs, "--json", pairs.with_suffix(".json")]
    return [sys.executable, arguments.folder / "bench" / "splink_run.py", *files, "--noeval", *config, *link, *threads]


def measured(words, log):
    """Runs a command: its seconds and memory, or None if it failed."""
    words = [sys.executable, "-I", "-S", "-c", MEASURE, *map(str, [log, *words])]
    out = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    if out[0] != "0":
        print(f"ended with {out[0]}: {log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
        return None
    return dict(zip(COST, map(float, out[1:])))


def evaluated(folder, work, pairs, data):
    """What the evaluator says of scored pairs. Runs in a process of its own, whose memory ends with it."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder / "bench"))
    import duckdb
    from evalpairs import evaluate

    connection = duckdb.connect(config={"temp_directory": str(work / "spill")})
    files = map(str, (pairs, data.truth, data.records))
    return evaluate(*files, thrs=(DEFAULT,), link=data.link, cluster_thrs=(DEFAULT,), con=connection)


def figures(runs, detail):
    """One engine on one set: the median of its runs, and what is right in its pairs."""
    right = [
        detail["blocking_recall"],
        detail[f"at_{DEFAULT}"]["f1"],
        detail.get("best", {}).get("f1", 0.0),
        detail["avg_precision"],
        detail[f"cc_{DEFAULT}"]["pairwise_f1"],
    ]
    cost = {name: statistics.median(run[name] for run in runs) for name in COST}
    return {**dict(zip(ACCURACY, right)), **cost, "runs": runs, "evaluation": detail}


def compared(data, engines, arguments):
    """Every engine on one set, by turns: engine to figures, None where it failed."""
    work = TARGET / "linkage"
    work.mkdir(parents=True, exist_ok=True)
    suffix = {OURS: "ours.csv", SPLINK: "splink.parquet", TUNED: "tuned.parquet"}
    pairs = {engine: work / f"{data.name}.{suffix[engine]}" for engine in engines}
    runs = {engine: [] for engine in engines}
    for _ in range(arguments.repeat):
        for engine, file in pairs.items():
            # What an earlier run left must not be scored as this one's.
            file.unlink(missing_ok=True)
            run = measured(command(engine, data, file, arguments), file.with_suffix(".log"))
            if run and engine != OURS:
                run["engine"] = json.loads(file.with_suffix(".json").read_text())
            runs[engine].append(run)
    results = {}
    for engine, file in pairs.items():
        results[engine] = None
        if all(runs[engine]):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                results[engine] = figures(runs[engine], pool.apply(evaluated, (arguments.folder, work, file, data)))
    return results


def cells(result):
    if result is None:
        return " | ".join(["failed", *[""] * (len(ACCURACY) + len(COST) - 1)])
    wall, cpu, memory = (result[name] for name in COST)
    return " | ".join([*(f"{result[name]:.3f}" for name in ACCURACY), f"{wall:.2f}", f"{cpu:.2f}", f"{memory:,.0f}"])


def means(results, engines):
    """The mean of each engine over the sets on which all of these engines came through."""
    whole = [result for result in results if all(result["engines"].get(engine) for engine in engines)]

    def mean(engine):
        found = [result["engines"][engine] for result in whole]
        return {name: statistics.fmean(one[name] for one in found) for name in ACCURACY + COST}

    return len(whole), {engine: mean(engine) for engine in engines if whole}


def words_of(argument):
    return [word for word in argument.split(",") if word]


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="holds data/er and bench")
    parser.add_argument("--sets", type=words_of, help="names in data/er, by commas; all unless given, none if empty")
    parser.add_argument("--crm", type=words_of, default=[], help="sizes of CRMs to generate, by commas")
    parser.add_argument("--engine", choices=["ours", "splink", "both"], default="both")
    parser.add_argument("--tuned", action="store_true", help="on contacts also Splink as an expert tuned it for them")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, of which the median counts")
    parser.add_argument("--json", type=Path, default=TARGET / "linkage.json")
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    for needed in ("data/er", "bench/evalpairs.py"):
        if not (arguments.folder / needed).exists():
            parser.error(f"{needed} is not in {arguments.folder}")
    if arguments.engine != "splink" and not (TARGET / "release" / "crm-review").exists():
        parser.error("there is no release binary yet: cargo build --release")
    if arguments.repeat < 1:
        parser.error("--repeat is at least 1")
    return arguments


def main():
    arguments = parsed()
    # The scripts of the folder are read, never written beside.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    engines = {"ours": [OURS], "splink": [SPLINK], "both": [OURS, SPLINK]}[arguments.engine]
    folders = labelled(arguments.folder, arguments.sets) + generated(arguments.folder, arguments.crm)

    print(f"{os.cpu_count()} cores, {arguments.threads} threads, median of {arguments.repeat}\n")
    heads = ["set", "records", "true pairs", "engine", "candidate recall", f"F1 at {DEFAULT}", "best F1",
             "average precision", "cluster F1", "wall s", "CPU s", "peak MB"]  # fmt: skip
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    results = []
    for data in map(Set, folders):
        tuned = [TUNED] if arguments.tuned and SPLINK in engines and data.is_contacts() else []
        found = compared(data, engines + tuned, arguments)
        true_pairs = next((result["evaluation"]["true_pairs"] for result in found.values() if result), None)
        results.append({"set": data.name, "records": data.size, "true_pairs": true_pairs, "engines": found})
        head = f"{data.name} | {data.size:,} | {'' if true_pairs is None else f'{true_pairs:,}'}"
        for engine, result in found.items():
            print(f"| {head} | {engine} | {cells(result)} |", flush=True)
            head = " | | "
        # After each set, so that a run that is broken off leaves what it found.
        count, mean = means(results, engines)
        report = {"threads": arguments.threads, "repeat": arguments.repeat, "mean": mean, "sets": results}
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    if not results:
        sys.exit("no set to run")
    for engine, result in mean.items():
        print(f"| **mean of {count}** | | | {engine} | {cells(result)} |")

    splink = [run for result in results for run in (result["engines"].get(SPLINK) or {"runs": []})["runs"]]
    if splink:
        start = statistics.median(run["wall_seconds"] - run["engine"]["wall"] for run in splink)
        version = "{engine} on DuckDB {duckdb}".format(**splink[0]["engine"])
        print(f"\n{version}; {start:.1f} s of each of its runs is the start of Python and its imports.")
    if not all(found for result in results for found in result["engines"].values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
