# SPDX-License-Identifier: MIT
"""OpenSCAP in a machine, with the content of Debian's packages ssg-*.

In a container many rules are not applicable, and Debian has no rpm. The content is therefore changed: platform checks
are removed, and a rule that looks for an rpm package looks for the Debian package of the same name.
"""

import re
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from . import base
from .machine import Machine

XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
PREFIX = "xccdf_org.ssgproject.content"
PLACE = "/var/tmp/scap"

# The value that each rule compares, by the name of the rule.
VARIABLES = {
    "accounts_max_concurrent_login_sessions": "var_accounts_max_concurrent_login_sessions",
    "logind_session_timeout": "var_logind_session_timeout",
    "accounts_tmout": "var_accounts_tmout",
    "sshd_set_idle_timeout": "sshd_idle_timeout_value",
    "sshd_set_keepalive": "var_sshd_set_keepalive",
    "sshd_set_max_sessions": "var_sshd_max_sessions",
}


def install(machine: Machine) -> None:
    """Installs the scanner. The content is only extracted, because it has 1.5 GB."""
    store = f"{base.STORE}/scap"
    names = [path.name for path in machine.path(store).iterdir() if not path.name.startswith("ssg-")]
    machine.run("apt-get", "-q", "-y", "-o", "APT::Sandbox::User=root", "install",
                *(f"{store}/{name}" for name in names), timeout=300)


def extract(machine: Machine, product: str, directory: Path) -> Path | None:
    """Extracts the data stream of a product, such as "rhel9". Returns None if the packages do not contain it."""
    name = f"ssg-{product}-ds.xml"
    for package in machine.path(f"{base.STORE}/scap").glob("ssg-*.deb"):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as archive:
            subprocess.run(["tar", "-x", "--wildcards", "--transform=s,.*/,,", "-C", str(directory), f"*/{name}"],
                           stdin=archive.stdout, stderr=subprocess.DEVNULL, check=False)
        if (directory / name).exists():
            return directory / name
    return None


@dataclass
class Content:
    """The rules about sessions in a data stream."""

    rules: set[str] = field(default_factory=set)
    profiles: dict[str, dict[str, str]] = field(default_factory=dict)  # value of each selected rule, by profile
    path: str = ""  # in the machine
    text: str = ""  # in its changed form


def load(machine: Machine, source: Path) -> Content:
    """Reads a data stream, and writes its changed form to the machine."""
    content = Content(path=f"{PLACE}/{source.name}")
    text = source.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    content.rules = {name for rule in root.iter(f"{XCCDF}Rule") if (name := _name(rule.get("id"), "rule")) in VARIABLES}
    values = {}
    for value in root.iter(f"{XCCDF}Value"):
        values[_name(value.get("id"), "value")] = {
            choice.get("selector", ""): choice.text for choice in value.findall(f"{XCCDF}value")}
    for profile in root.iter(f"{XCCDF}Profile"):
        refined = {_name(one.get("idref"), "value"): one.get("selector")
                   for one in profile.iter(f"{XCCDF}refine-value")}
        content.profiles[_name(profile.get("id"), "profile")] = {
            rule: values[VARIABLES[rule]][refined.get(VARIABLES[rule], "")]
            for one in profile.iter(f"{XCCDF}select")
            if one.get("selected") == "true" and (rule := _name(one.get("idref"), "rule")) in content.rules}
    text = re.sub(r'<(?:[\w.-]+:)?platform idref="[^"]*"\s*/>', "", text).replace("rpminfo_", "dpkginfo_")
    content.text = text
    machine.write(content.path, text)
    return content


def _name(identifier: str, kind: str) -> str:
    return identifier.removeprefix(f"{PREFIX}_{kind}_")


def with_profile(machine: Machine, content: Content, values: dict[str, str]) -> str:
    """Writes the content with a profile "lab" for rules that no profile of the content selects. Returns its path.

    The defaults of the values are changed, because oscap 1.3.7 ignores some values of profiles.
    """
    text = content.text
    for rule, value in values.items():
        pattern = (rf'(<(?:[\w.-]+:)?Value id="{re.escape(PREFIX)}_value_{VARIABLES[rule]}"'
                   rf'(?:(?!</(?:[\w.-]+:)?Value>).)*?<(?:[\w.-]+:)?value>)[^<]*')
        text, count = re.subn(pattern, rf"\g<1>{value}", text, count=1, flags=re.DOTALL)
        assert count == 1, (rule, content.path)
    lines = [f'<select idref="{PREFIX}_rule_{rule}" selected="true"/>' for rule in values]
    profile = (f'<Profile xmlns="{XCCDF[1:-1]}" id="xccdf_lab_profile_lab"><title>lab</title>'
               f'{"".join(lines)}</Profile>')
    path = f"{PLACE}/with-profile.xml"
    machine.write(path, re.sub(r"(?=<(?:[\w.-]+:)?Profile id=)", profile, text, count=1))
    return path


def evaluate(machine: Machine, content: Content, profile: str, rules: dict[str, str]) -> dict[str, str]:
    """Returns the result of each rule, such as "pass". profile: one of the content, or "" for the given values."""
    path = content.path if profile else with_profile(machine, content, rules)
    selected = [word for rule in rules for word in ("--rule", f"{PREFIX}_rule_{rule}")]
    done = machine.run("oscap", "xccdf", "eval", "--skip-validation", "--profile", profile or "xccdf_lab_profile_lab",
                       *selected, path, check=False, timeout=300)
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return results(done.stdout)


def results(output: str) -> dict[str, str]:
    """Parses the output of oscap xccdf eval."""
    return {rule.partition("_rule_")[2]: result
            for rule, result in re.findall(r"^Rule\s+(\S+)$.*?^Result\s+(\S+)$", output, re.MULTILINE | re.DOTALL)}
