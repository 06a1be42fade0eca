#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gen.py - collects the HOST_CALL tags of the sentry's sources

usage: gen.py [--net] OUTPUT FILE...

A tag stands in a comment beside the code that makes the call:

  HOST_CALL(name)                            any arguments
  HOST_CALL(name, a1 == CONST)               argument 1 (counted from 0) is CONST
  HOST_CALL(name, a2 & MASK == VALUE, ...)   all conditions must hold
  HOST_CALL(name, errno ENOSYS)              fails with that errno instead of killing

With --net also those that only a sentry with internet sockets needs:

  HOST_CALL_NET(name, ...)                   as above
  HOST_OPTION(level, name, size, dir, ...)   a row of a table: getsockopt (dir has GET), setsockopt (dir has SET,
                                             of at most size bytes)

Operators: == != < <= > >=; with a mask only ==. Several tags of one call add up; a tag without conditions beside
one with conditions is an error, since it would make the other void.

OUTPUT gets one RULE(...) line a tag, for tool/genfilter.c; it is left alone when nothing changed.
"""
import re
import sys

OPS = {"==": "SCMP_CMP_EQ", "!=": "SCMP_CMP_NE", "<": "SCMP_CMP_LT", "<=": "SCMP_CMP_LE",
       ">": "SCMP_CMP_GT", ">=": "SCMP_CMP_GE"}
# Arguments that the host reads as int: the upper half is not compared.
CONDITION = re.compile(r"a([0-5])\s*(?:&\s*(.+?)\s*)?(==|!=|<=|>=|<|>)\s*(.+)$")


def split_top(text):
    """Splits at commas outside of parentheses."""
    parts, depth, start = [], 0, 0
    for i, ch in enumerate(text):
        depth += (ch == "(") - (ch == ")")
        if ch == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return parts + [text[start:].strip()]


def option_rules(level, name, size, direction):
    """What a row of a table of socket options allows."""
    where = [f"a1 == {level}", f"a2 == {name}"]
    if "GET" in direction:
        yield "getsockopt", list(where)
    if "SET" in direction:
        yield "setsockopt", where + [f"a4 <= {size}"]


def tags(path, net):
    """Yields (line, name, conditions) of one file."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    kinds = "HOST_CALL|HOST_CALL_NET|HOST_OPTION" if net else "HOST_CALL"
    for m in re.finditer(rf"(?<!define )\b({kinds})\(", text):
        depth, end = 1, m.end()
        while depth and end < len(text):
            depth += (text[end] == "(") - (text[end] == ")")
            end += 1
        body = re.sub(r"\s*\n\s*\*?\s*", " ", text[m.end():end - 1])
        line = text.count("\n", 0, m.start()) + 1
        name, *conditions = split_top(body)
        if m.group(1) != "HOST_OPTION":
            yield line, name, conditions
            continue
        for call, rules in option_rules(name, *conditions[:3]):
            yield line, call, rules


def comparison(where, condition):
    m = CONDITION.match(condition)
    if not m:
        sys.exit(f"{where}: not a condition: {condition}")
    arg, mask, op, value = m.groups()
    if mask is None:
        return f"SCMP_A{arg}({OPS[op]}, (scmp_datum_t)({value}))"
    if op != "==":
        sys.exit(f"{where}: a mask goes with == only")
    return f"SCMP_A{arg}(SCMP_CMP_MASKED_EQ, (scmp_datum_t)({mask}), (scmp_datum_t)({value}))"


def rule(where, name, conditions):
    action = "SCMP_ACT_ALLOW"
    if conditions and conditions[0].startswith("errno "):
        action = f"SCMP_ACT_ERRNO({conditions.pop(0)[6:]})"
    cmps = [comparison(where, c) for c in conditions]
    args = "".join(", " + c for c in cmps)
    return f"RULE({action}, {name}, {len(cmps)}{args})"


def main():
    args = sys.argv[1:]
    net = args[0] == "--net"
    out, *files = args[1:] if net else args
    found, kinds = {}, {}
    for path in sorted(files):
        if path.endswith("platform/host/host.h"):
            continue  # explains the tags
        for line, name, conditions in tags(path, net):
            where = f"{path}:{line}"
            kind = kinds.setdefault(name, (bool(conditions), where))
            if kind[0] != bool(conditions):
                sys.exit(f"{where}: {name} has tags with and without conditions: {kind[1]}")
            found.setdefault(rule(where, name, conditions), where)
    text = "".join(f"{r}\n" for r in sorted(found))
    try:
        with open(out, encoding="utf-8") as f:
            if f.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(out, "w", encoding="utf-8") as f:
        f.write(text)


main()
