#!/usr/bin/env python3
"""Scores the same pairs in `crm-review match` and in Splink, and fails where a weight differs.

    python3 tests/splink/score.py            # makes target/splink-venv and installs Splink when it is not there
    python3 tests/splink/score.py --program target/release/crm-review

Invents people and companies, lets the program learn a model and write it for Splink, scores the pairs
in Splink (DuckDB) that its rules bring together, and holds its weights against those of the program, comparison by comparison, to a
millionth of a bit: for every pair whose levels Splink can tell, as limits.csv has them. Then Splink trains
anew, and the program takes what it learned.

Where Splink cannot be installed the test says so, loudly, and ends with 0: nothing was compared.
Does not: read anything but what it invents; write anything but target/.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tables import CONTACTS, PERSONS, Numbers, companies, people

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
VENV = TARGET / "splink-venv"
NEEDED = ["splink==5.*", "duckdb<2"]
# A weight in bits may differ by this much: both add the same numbers in another order.
CLOSE = 1e-6
NEARLY = " (nearly)"


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def matched(program, folder, *arguments):
    words = [program, "match", folder / "records.csv", "--pairs", folder / "pairs.csv", *arguments]
    ended = subprocess.run(words, check=False, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{ended.stderr}")


def linker_of(folder, settings):
    """Splink and the prepared records, with the frequencies that the program counted."""
    import logging

    import duckdb
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE prepared AS SELECT * FROM read_csv(?, all_varchar = true)", [str(folder / "prepared.csv")]
    )
    names = [row[0] for row in connection.execute("DESCRIBE prepared").fetchall()]
    counted = [name.removeprefix("tf_") for name in names if name.startswith("tf_")]
    left_out = ", ".join(f"tf_{name}" for name in counted)
    connection.execute(f"CREATE TABLE records AS SELECT * EXCLUDE ({left_out}) FROM prepared")
    api = DuckDBAPI(connection=connection)
    records = api.register(connection.table("records"))
    linker = Linker(records, settings, log_level=None)
    for name in counted:
        lookup = f"SELECT DISTINCT {name}, tf_{name}::DOUBLE AS tf_{name} FROM prepared WHERE {name} IS NOT NULL"
        frequencies = api.register(connection.sql(lookup))
        linker.table_management.register_term_frequency_lookup(frequencies, name)
    return linker, records


def splink_weights(folder, settings):
    """What Splink makes of every pair: by ids, the weight, and by comparison the label and its bits."""
    linker, records = linker_of(folder, {**settings, "retain_matching_columns": True})
    predicted = linker.inference.predict_within(records).as_record_list()
    labels = {}
    for comparison in settings["comparisons"]:
        levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        labels[comparison["output_column_name"]] = [level["label_for_charts"] for level in reversed(levels)]
    found = {}
    for row in predicted:
        weights = {}
        for name, words in labels.items():
            if row[f"gamma_{name}"] >= 0:
                bits = row[f"mw_{name}"] + row.get(f"mw_tf_adj_{name}", 0.0)
                weights[name] = (words[row[f"gamma_{name}"]], bits)
        found[frozenset([row["unique_id_l"], row["unique_id_r"]])] = (row["match_weight"], weights)
    return found


def label(row):
    return ", ".join(filter(None, [row["level"], row["circumstances"]]))


def ours_of(folder):
    """What the program made of every pair that it wrote: by ids, as `splink_weights` has them."""
    found = {frozenset([row["id_l"], row["id_r"]]): (float(row["weight"]), {}) for row in rows_of(folder / "pairs.csv")}
    for row in rows_of(folder / "weights.csv"):
        # What a third record says is no part of the weight; Splink knows nothing like it.
        if row["comparison"] == "third record":
            continue
        _, weights = found[frozenset([row["id_l"], row["id_r"]])]
        weights[row["comparison"].replace(" ", "_")] = (label(row), float(row["bits"]))
    return found


def compared(folder, settings):
    """Holds every pair of the program against Splink's: what differs, and counts of what was compared."""
    limits = [row for row in rows_of(folder / "limits.csv") if row["told"] == "no"]
    untold = {(row["comparison"].replace(" ", "_"), label(row)) for row in limits}
    theirs = splink_weights(folder, settings)
    wrong, counts, seen = [], {"pairs": 0, "whole": 0, "unblocked": 0}, set()
    for ids, (weight, here) in ours_of(folder).items():
        # A level that is not told may be the circumstance of others.
        if any((name, words) in untold for name, (words, _) in here.items()):
            continue
        if ids not in theirs:
            counts["unblocked"] += 1
            continue
        counts["pairs"] += 1
        splink_weight, there = theirs[ids]
        levels = {name: words for name, (words, _) in here.items()}
        if levels != {name: words.removesuffix(NEARLY) for name, (words, _) in there.items()}:
            wrong.append(f"{sorted(ids)}: {here} here, {there} in Splink")
            continue
        exact = [name for name in here if not there[name][0].endswith(NEARLY)]
        for name in exact:
            (words, bits), (_, other) = here[name], there[name]
            seen.add((name, words))
            if abs(bits - other) > CLOSE:
                wrong.append(f"{sorted(ids)}: {name}, {words}: {bits} here, {other} in Splink")
        if len(exact) == len(here):
            counts["whole"] += 1
            if abs(weight - splink_weight) > CLOSE:
                wrong.append(f"{sorted(ids)}: {weight} here, {splink_weight} in Splink")
    return wrong, counts, seen


def levels_of(settings):
    """Every level of every comparison that Splink knows."""
    return {
        (comparison["output_column_name"], level["label_for_charts"].removesuffix(NEARLY))
        for comparison in settings["comparisons"]
        for level in comparison["comparison_levels"]
        if not level.get("is_null_level")
    }


def check(program, folder, name, table, least):
    header, rows = table
    with (folder / "records.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    matched(program, folder, "--splink", folder, "--weights", folder / "weights.csv")
    settings = json.loads((folder / "settings.duckdb.json").read_text())
    wrong, counts, seen = compared(folder, settings)
    told = levels_of(settings)
    print(
        f"{name}: {len(rows)} records; {counts['pairs']} pairs whose levels Splink can tell, "
        f"{counts['whole']} of them wholly; {counts['unblocked']} more that it did not compare; "
        f"{len(seen)} of {len(told)} levels came up"
    )
    for words in wrong[:10]:
        print(f"  {words}")
    if wrong:
        sys.exit(f"{name}: {len(wrong)} weights differ from Splink's")
    if len(seen) < least or counts["whole"] < 100:
        sys.exit(f"{name}: too little came up to say that the weights agree; never seen: {sorted(told - seen)}")
    return settings


def in_spark(folder):
    """The settings for Spark are such that Splink reads them; Spark itself is too large to run here."""
    from splink import SettingsCreator

    SettingsCreator.from_path_or_dict(str(folder / "settings.spark.json")).get_settings("spark")


def retrained(program, folder, settings):
    """Splink trains anew on its own; the program links by what it learned."""
    linker, _ = linker_of(folder, settings)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation("l.full_name = r.full_name")
    linker.training.estimate_parameters_using_expectation_maximisation("l.phone_1 = r.phone_1")
    trained = folder / "trained.json"
    linker.misc.save_model_to_json(str(trained), overwrite=True)
    before = likely(folder)
    model, same, other = (folder / name for name in ("model.toml", "same.toml", "other.toml"))
    untouched = folder / "settings.duckdb.json"
    matched(program, folder, "--model", model, "--retrained", untouched, "--model-out", same)
    if same.read_bytes() != model.read_bytes():
        sys.exit("settings that Splink never touched change the model")
    matched(program, folder, "--model", model, "--retrained", trained, "--model-out", other)
    if other.read_bytes() == model.read_bytes():
        sys.exit("what Splink learned changes nothing")
    after = likely(folder)
    common = len(before & after) / len(before | after)
    print(f"retrained in Splink: {len(after)} likely pairs, {len(before)} before, {common:.0%} in common")
    if common < 0.9:
        sys.exit("a model that Splink trained anew finds other pairs")


def likely(folder):
    return {(row["id_l"], row["id_r"]) for row in rows_of(folder / "pairs.csv") if float(row["score"]) > 0.5}


def has_splink(python):
    probe = "import duckdb, splink; assert splink.__version__.startswith('5.') and duckdb.__version__ < '2'"
    return python.exists() and subprocess.run([python, "-c", probe], check=False, capture_output=True).returncode == 0


def done(*words):
    """Why a command failed; nothing when it did not."""
    try:
        ended = subprocess.run(words, check=False, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (ended.stderr or ended.stdout or "it failed").strip() if ended.returncode else ""


def installed():
    """The interpreter of an environment that has Splink; None, and why, where there can be none."""
    python = VENV / "bin" / "python"
    if has_splink(python):
        return python, ""
    make = [sys.executable, "-m", "venv", "--clear", VENV]
    why = done(*make)
    if why and shutil.which("apt-get") and os.geteuid() == 0:
        # Debian leaves venv out of its Python.
        why = done("apt-get", "update") or done("apt-get", "install", "--yes", "python3-venv") or done(*make)
    why = why or done(python, "-m", "pip", "install", "--quiet", *NEEDED)
    if not why and not has_splink(python):
        why = f"what was installed is not {', '.join(NEEDED)}"
    return (None, why) if why else (python, "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", type=Path, default=TARGET / "debug" / "crm-review")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.program.exists():
        parser.error(f"{arguments.program} is not there yet: cargo build")
    if not arguments.inside:
        python, why = installed()
        if python is None:
            line = "!" * 80
            print(
                f"{line}\nNOT COMPARED WITH SPLINK: it cannot be installed.\n{why}\n"
                "Needed: python3 with venv (Debian: apt-get install python3-venv), "
                f"and {', '.join(NEEDED)} from the index that pip is set to.\n{line}",
                file=sys.stderr,
            )
            return
        words = [python, "-B", __file__, "--inside", "--program", arguments.program.resolve()]
        sys.exit(subprocess.run(words, check=False).returncode)
    folder = TARGET / "splink"
    shutil.rmtree(folder, ignore_errors=True)
    for name, table, least in [
        ("contacts", people(Numbers(7), 600, CONTACTS), 65),
        ("persons", people(Numbers(8), 600, PERSONS), 42),
        ("companies", companies(Numbers(9), 600), 28),
    ]:
        (folder / name).mkdir(parents=True)
        settings = check(arguments.program, folder / name, name, table, least)
        in_spark(folder / name)
        if name == "persons":
            retrained(arguments.program, folder / name, settings)


if __name__ == "__main__":
    main()
