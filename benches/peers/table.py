"""Tables of nights: what our strategies and the peers gained in the same worlds, with bootstrap intervals over worlds.

A night is a dictionary: `seed`, `gain`, `deployed`, `optimism` (reported minus true; None where nothing was reported), `won`, `episodes`.
"""

import random

RESAMPLES = 2000
OURS = "search"
BELOW = -1e-9  # less is rounding
HEAD = ["strategy", "gain [95 %]", "deployed", "below", "wins", "reported − true", "episodes", "ours − theirs [95 %]", "ours / theirs [95 %]", "nights"]


def family_table(strategies):
    """`strategies` maps names to nights, in the order of the rows."""
    ours = strategies.get(OURS)
    rows = [HEAD] + [row(name, nights, ours if name != OURS else None) for name, nights in strategies.items()]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(HEAD))]
    lines = [line(cells, widths) for cells in rows]
    rule = "|" + "|".join("-" * (width + 1) + ("-" if column == 0 else ":") for column, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def line(cells, widths):
    padded = [cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(zip(cells, widths))]
    return "| " + " | ".join(padded) + " |"


def row(name, nights, ours):
    if not nights:
        return [name, "no night ended"] + [""] * (len(HEAD) - 2)
    gains = [night["gain"] for night in nights]
    optimism = [night["optimism"] for night in nights if night["optimism"] is not None]
    return [
        name,
        with_interval(gains),
        f"{mean([night['deployed'] for night in nights]):+.3f}",
        share([gain < BELOW for gain in gains]),
        share([night["won"] for night in nights]),
        f"{mean(optimism):+.3f}" if optimism else "not measured",
        f"{mean([night['episodes'] for night in nights]):.0f}",
        *(compared(ours, nights) if ours else ["", ""]),
        str(len(nights)),
    ]


def compared(ours, theirs):
    """Our gain less theirs and divided by theirs, over the worlds that both met; no ratio where theirs is not shown to be above nothing."""
    by_seed = {night["seed"]: night["gain"] for night in ours}
    pairs = [(by_seed[night["seed"]], night["gain"]) for night in theirs if night["seed"] in by_seed]
    if not pairs:
        return ["no common world", ""]
    difference = with_interval([our - their for our, their in pairs])
    if interval([their for _, their in pairs], mean)[0] <= 0:
        return [difference, "theirs not above 0"]
    low, high = interval(pairs, quotient)
    return [difference, f"{quotient(pairs):.1f} [{low:.1f}, {'∞' if high == float('inf') else format(high, '.1f')}]"]


def with_interval(values):
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(mean(values), *interval(values, mean))


def quotient(pairs):
    our, their = mean([our for our, _ in pairs]), mean([their for _, their in pairs])
    return our / their if their > 0 else float("inf")


def interval(items, figure):
    """What resampling leaves between its 2.5th and 97.5th percentile."""
    lots = random.Random(len(items))
    figures = sorted(figure(lots.choices(items, k=len(items))) for _ in range(RESAMPLES))
    return figures[round(0.025 * (RESAMPLES - 1))], figures[round(0.975 * (RESAMPLES - 1))]


def best_of(name, configurations):
    """A peer's configuration with the highest mean gain in these worlds: chosen by the truth, which no user has."""
    known = {configuration: nights for configuration, nights in configurations.items() if nights}
    if len(known) < 2:
        return {}
    best = max(known, key=lambda configuration: mean([night["gain"] for night in known[configuration]]))
    return {f"{name}, best of {len(known)} ({best})": known[best]}


def mean(values):
    return sum(values) / len(values)


def share(flags):
    return f"{100 * sum(flags) / len(flags):.0f} %"
