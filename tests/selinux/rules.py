#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks a binary SELinux policy against a list of rules.

usage: rules.py POLICY FILE SECTION...

A line of FILE is "+ SOURCE TARGET CLASS PERMISSION..." for accesses that must be allowed without a boolean, and
"- ..." for accesses that must not be allowed. "type_transition=TYPE[:NAME]" instead of the permissions is a type
transition. Text after "#" is the purpose. Prints the rules that are violated, and exits with 1 if there are any.
"""

import sys
from dataclasses import dataclass, field

import setools


@dataclass
class Rule:
    text: str
    required: bool
    source: str
    target: str
    tclass: str
    wanted: set[str]
    found: set[str] = field(default_factory=set)

    def is_violated(self) -> bool:
        return not self.wanted <= self.found if self.required else bool(self.wanted & self.found)


def parse(path: str, sections: list[str]) -> list[Rule]:
    rules, section = [], ""
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split("#")[0].split()
            if len(words) == 1:
                section = words[0].strip("[]")
            elif words and section in sections:
                text = " ".join(line.split())
                rules.append(Rule(text, words[0] == "+", words[1], words[2], words[3], set(words[4:])))
    return rules


def is_conditional(rule) -> bool:
    try:
        return bool(rule.conditional)
    except setools.exception.RuleNotConditional:
        return False


def grants(rule) -> set[str]:
    """Returns the permissions of an allow rule, or the result of a type transition."""
    if rule.ruletype == setools.TERuletype.allow:
        return set(map(str, rule.perms))
    try:
        name = f":{rule.filename}"
    except (AttributeError, setools.exception.TERuleNoFilename):
        name = ""
    return {f"type_transition={rule.default}{name}"}


class Types:
    """Resolves the types of a rule. An attribute is replaced by all of its types."""

    def __init__(self):
        self._known: dict[str, set[str]] = {}

    def of(self, symbol) -> set[str]:
        name = str(symbol)
        if name not in self._known:
            self._known[name] = set(map(str, symbol.expand()))
        return self._known[name]


def search(policy: setools.SELinuxPolicy, rules: list[Rule]) -> None:
    """Adds to each rule the accesses that the policy grants."""
    types, kinds = Types(), (setools.TERuletype.allow, setools.TERuletype.type_transition)
    by_class: dict[str, list[Rule]] = {}
    for rule in rules:
        by_class.setdefault(rule.tclass, []).append(rule)
    for granted in policy.terules():
        if granted.ruletype not in kinds or str(granted.tclass) not in by_class or is_conditional(granted):
            continue
        sources, targets = types.of(granted.source), types.of(granted.target)
        for rule in by_class[str(granted.tclass)]:
            if rule.source in sources and rule.target in targets:
                rule.found |= grants(granted)


def main() -> int:
    rules = parse(sys.argv[2], sys.argv[3:])
    search(setools.SELinuxPolicy(sys.argv[1]), rules)
    violated = [rule for rule in rules if rule.is_violated()]
    for rule in violated:
        print(f"FAILED {'not allowed' if rule.required else 'allowed'}: {rule.text[2:]}")
    print(f"{len(rules) - len(violated)} of {len(rules)} rules passed")
    return 1 if violated or not rules else 0


if __name__ == "__main__":
    sys.exit(main())
