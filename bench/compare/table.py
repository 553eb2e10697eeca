"""The report: medians, ratios, what did not run and why, and where and how all of it was measured."""

import json
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path

import install
from engines import ENGINES


@dataclass
class Row:
    """One piece of work: tokens per second by engine, and how they were counted."""

    work: str
    tokens: int  # that one measured time computes
    medians: dict[str, float]  # milliseconds by the engine's name

    def speed(self, name):
        """Tokens per second."""
        return self.tokens * 1e3 / self.medians[name]

    def ratio(self):
        """Caravan's speed over the best peer's, and that peer; None without either."""
        peers = [name for name in self.medians if name != ENGINES["caravan"].name]
        if not peers or ENGINES["caravan"].name not in self.medians:
            return None
        best = max(peers, key=self.speed)
        return self.speed(ENGINES["caravan"].name) / self.speed(best), best


def config_of(args):
    """The config.json that is compared."""
    return json.loads((args.config / "config.json").read_text())


def milliseconds(answer):
    """What a piece of work is measured by: its prefill, or the median of its steps."""
    return statistics.median(answer["step_ms"]) if answer["step_ms"] else answer["prefill_ms"]


def rows(run):
    """One row for each piece of work."""
    result = []
    for index, piece in enumerate(run.pieces):
        batch = piece["batch"]
        tokens = batch if piece["steps"] else batch * piece["prompt"]
        sequences = "1 sequence" if batch == 1 else f"{batch} sequences"
        prompts = f"{piece['prompt']} tokens" if batch == 1 else f"{batch} times {piece['prompt']} tokens"
        work = f"decode step, {sequences}" if piece["steps"] else f"prefill, {prompts}"
        medians = {ENGINES[name].name: statistics.median(run.times[name][index])
                   for name in run.args.engines if run.times[name][index]}
        result.append(Row(work, tokens, medians))
    return result


def cell(row, name):
    """Tokens per second, and the milliseconds they come from."""
    return f"{row.speed(name):.4g} ({row.medians[name]:.4g} ms)" if name in row.medians else "–"


def speeds(run, table):
    """The table of speeds."""
    names = [ENGINES[name].name for name in run.args.engines]
    lines = ["| work | " + " | ".join(names) + " | Caravan / best peer |", "|---" * (len(names) + 2) + "|"]
    for row in table:
        ratio = row.ratio()
        last = f"{ratio[0]:.2f}x ({ratio[1]})" if ratio else "–"
        lines.append(f"| {row.work} | " + " | ".join(cell(row, name) for name in names) + f" | {last} |")
    return lines


def engines(run):
    """The table of engines: version, dtype, and why one did not run."""
    versions = install.versions()
    lines = ["| engine | version | dtype | ran |", "|---|---|---|---|"]
    for name in run.args.engines:
        engine = ENGINES[name]
        version = ", ".join(f"{package} {versions[package]}" for package in engine.packages if package in versions)
        ran = "no: " + run.reasons[name].replace("|", "/") if name in run.reasons else "yes"
        lines.append(f"| {engine.name} | {version or 'this tree'} | {engine.dtypes.get(run.args.dtype, '–')} | {ran} |")
    return lines


def machine():
    """The machine in words."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    levels = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16") if flag in fields["flags"].split()]
    cpus = sum(line.startswith("processor") for line in lines)
    return (f"{fields['model name']} (family {fields['cpu family']}, model {fields['model']}; {', '.join(levels)}), "
            f"{cpus} CPUs, {memory:.0f} GB, {platform.system()} {platform.release()}")


def markdown(run, table, command, picture):
    """The whole report."""
    args = run.args
    shape = args.config.resolve().name
    lines = [f"# {shape}: Caravan beside its peers", "", *speeds(run, table), "",
             f"Tokens per second, higher is better, and the time they come from: medians of {run.rounds} rounds in which the "
             f"engines took turns, {args.threads} threads, random weights. A decode time is the median of {args.steps} steps, each "
             f"for all sequences, that follow {args.context} tokens. Loading is not counted.", "", f"![{shape}]({picture})", "",
             *engines(run), "", f"Machine: {machine()}. Command:", "", "```", command, "```", ""]
    return "\n".join(lines)
