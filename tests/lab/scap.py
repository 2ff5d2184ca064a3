# SPDX-License-Identifier: MIT
"""sesslimitctl audit against OpenSCAP with the content of Debian's packages, and the benchmark for OpenSCAP.

A machine is given the os-release of each system for which the packages have content. Not collected by default:
tests/run scap.
"""

import json
import re
from dataclasses import dataclass

import jsonschema
import pytest

from lab import client, console, ctl, scanner
from lab.host import Host
from lab.machine import Gone, wait_until

SYSTEMS = {
    "rhel8": 'ID="rhel"\nVERSION_ID="8.10"\n',
    "rhel9": 'ID="rhel"\nVERSION_ID="9.6"\n',
    "rhel10": 'ID="rhel"\nVERSION_ID="10.0"\n',
    "ubuntu2204": 'ID=ubuntu\nVERSION_ID="22.04"\n',
    "ubuntu2404": 'ID=ubuntu\nVERSION_ID="24.04"\n',
    "debian11": 'ID=debian\nVERSION_ID="11"\n',
    "debian12": 'ID=debian\nVERSION_ID="12"\n',
}
PROFILES = {
    "stig": ["stig"],
    "cis": ["cis", "cis_level1_server"],
    "pci": ["pci-dss"],
    "anssi": ["anssi_bp28_enhanced"],
}
CHANGED = ("etc/ssh etc/security etc/profile etc/profile.d etc/bash.bashrc etc/systemd/logind.conf "
           "etc/systemd/logind.conf.d usr/lib/os-release").split()
POLICY = ('version = 1\n[defaults]\nmax_sessions = 9\nidle_timeout = "10min"\nidle_activity = "input"\n'
          'count_left_behind = true\n')

# Crafted hosts on which scanner and system may disagree: system, rule, files, whether the control is in force.
LIMITS, LIMITS_A, LIMITS_B = (f"/etc/security/limits.{name}" for name in ("conf", "d/20.conf", "d/30.conf"))
PROFILE_A, PROFILE_B = (f"/etc/profile.d/{name}.sh" for name in "ab")
SSHD, SSHD_A = "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/a.conf"
INCLUDE = "Include /etc/ssh/sshd_config.d/*.conf\n"
CRAFTED = [
    ("rhel8", "RHEL-08-020024", {LIMITS_A: "* hard maxlogins 20\n", LIMITS_B: "* hard maxlogins 10\n"}, True),
    ("rhel8", "RHEL-08-020024", {LIMITS_A: "* hard maxlogins 10 # why\n"}, True),
    ("rhel8", "RHEL-08-020024", {LIMITS: "* hard maxlogins 10\n* hard maxlogins 20\n"}, False),
    ("rhel8", "RHEL-08-020024", {LIMITS: "* hard maxlogins 0\n"}, False),
    ("rhel8", "RHEL-08-020024", {LIMITS_A: "* hard maxlogins 10\n* hard maxlogins unlimited\n"}, False),
    ("rhel8", "RHEL-08-020024", {LIMITS: "* hard maxlogins 10\n", LIMITS_A: "* hard maxlogins unlimited\n"}, False),
    ("rhel8", "RHEL-08-020024", {LIMITS: "* soft maxlogins 10\n"}, True),
    ("rhel8", "RHEL-08-020024", {LIMITS: "alice hard maxlogins 20\n* hard maxlogins 10\n"}, False),
    ("rhel8", "RHEL-08-020024", {LIMITS: "alice hard maxlogins 10\n"}, False),
    ("rhel8", "RHEL-08-020360", {PROFILE_A: "declare -xr TMOUT=600\n", PROFILE_B: "TMOUT=0\n"}, False),
    ("rhel8", "RHEL-08-020360", {PROFILE_A: "declare -rx TMOUT=600\n"}, True),
    ("rhel8", "RHEL-08-020360", {PROFILE_A: "declare -xr TMOUT=600\n declare -xr TMOUT=900\n"}, False),
    ("rhel8", "RHEL-08-010201", {SSHD: "ClientAliveInterval=600\n"}, True),
    ("rhel8", "RHEL-08-010201", {SSHD: "ClientAliveInterval 10m\n"}, True),
    ("rhel8", "RHEL-08-010201", {SSHD: "ClientAliveInterval 600\nMatch User a\n ClientAliveInterval 0\n"}, False),
    ("rhel8", "RHEL-08-010201", {SSHD: "Match User a\n ClientAliveInterval 600\n"}, False),
    ("rhel9", "RHEL-09-255100", {SSHD: INCLUDE + "ClientAliveInterval 900\n", SSHD_A: "ClientAliveInterval 600\n"},
     True),
    ("rhel9", "RHEL-09-255100", {SSHD: INCLUDE, SSHD_A: "ClientAliveInterval 600\nClientAliveInterval 0\n"}, True),
    ("rhel9", "RHEL-09-255095", {SSHD: "ClientAliveCountMax 1 # one\nMatch all\nClientAliveCountMax 3\n"}, False),
    ("ubuntu2204", "UBTU-22-412030", {PROFILE_A: "TMOUT=600\nreadonly TMOUT\nexport TMOUT\n"}, True),
    ("ubuntu2204", "UBTU-22-412030", {PROFILE_A: "TMOUT=600; readonly TMOUT; export TMOUT\n"}, True),
    ("ubuntu2204", "UBTU-22-412030", {PROFILE_A: "declare -xr TMOUT=600\n"}, True),
    ("ubuntu2204", "UBTU-22-412030", {"/etc/bash.bashrc": "  TMOUT=600\n\n  readonly TMOUT\n  export TMOUT\n"}, True),
    ("ubuntu2204", "UBTU-22-255035", {SSHD: "ClientAliveInterval 600\n"}, True),
    ("ubuntu2204", "UBTU-22-255035", {SSHD: "ClientAliveInterval 600\nClientAliveCountMax 1\n"}, True),
]


@dataclass(frozen=True)
class Row:
    profile: str  # of the content; "" if it has none, and the values of the audit are used
    control: str
    rule: str
    value: str  # that the profile of the content requires
    asked: int  # that the audit requires


class Hosts:
    """The machine, with the files of its system and of another one."""

    def __init__(self, host, directory):
        self.host = host
        self._directory = directory
        self._contents = {}
        names = " ".join(CHANGED)
        host.sh(f"mkdir -p /etc/systemd/logind.conf.d {scanner.PLACE}; tar -C / -cf /var/tmp/files.tar {names}")

    def reset(self, system, files=None):
        names = " ".join(f"/{name}" for name in CHANGED)
        self.host.sh(f"rm -rf {names}; tar -C / -xf /var/tmp/files.tar; rm -f /etc/os-release")
        self.host.write("/etc/os-release", SYSTEMS[system])
        for path, text in (files or {}).items():
            self.host.write(path, text)

    def content(self, system):
        if system not in self._contents:
            source = scanner.extract(self.host, system, self._directory)
            self._contents[system] = scanner.load(self.host, source) if source else None
        return self._contents[system]


@pytest.fixture
def hosts(suite, debs, own_turn, tmp_path):
    with Host(suite) as host:
        host.install_sesslimit(debs)
        scanner.install(host)
        host.policy(POLICY)
        yield Hosts(host, tmp_path)
        host.assert_unsanitized()


def audit(host, *arguments):
    return ctl.check(json.loads(ctl.run(host, "audit", "--json=short", *arguments).stdout), "audit")


def rows_of(content, found):
    rows = []
    for finding in found["findings"]:
        if finding["rule"] not in content.rules:
            continue
        asked = int(re.search(r"\d+", finding["asks"]).group())
        chosen = [name for name in PROFILES[finding["profile"]] if finding["rule"] in content.profiles.get(name, {})]
        value = content.profiles[chosen[0]][finding["rule"]] if chosen else str(asked)
        rows.append(Row(chosen[0] if chosen else "", finding["control"], finding["rule"], value, asked))
    return rows


def verdicts(host, content, rows, found):
    """Returns the verdicts of oscap and of the audit for each row, True for pass."""
    scanned = {}
    for profile in {row.profile for row in rows}:
        # Rules without a profile may be required with two values.
        groups = [[row for row in rows if row.profile == profile]]
        if not profile:
            groups = [[row for row in groups[0] if row.control.split("-")[0].split()[0] == kind]
                      for kind in {row.control.split("-")[0].split()[0] for row in groups[0]}]
        for group in groups:
            result = scanner.evaluate(host, content, profile, {row.rule: row.value for row in group})
            scanned.update({row: result[row.rule] == "pass" for row in group})
    audited = {(each["control"], each["rule"]): each["scanner"] for each in found["findings"]}
    return {row: (scanned[row], audited[row.control, row.rule]) for row in rows}


def reason_of(suite, system, row):
    """Returns the reason for which the audit and this content may disagree, or an empty text."""
    if row.rule in ("sshd_set_keepalive", "logind_session_timeout") and int(row.value) != row.asked:
        return f"this content requires {row.value}"
    if suite == "bookworm" and row.rule == "accounts_tmout" and system.startswith("ubuntu"):
        return "content 0.1.65 requires declare -xr on Ubuntu"
    return ""


def printed_changes(text):
    """Parses the changes that the audit has printed: file, line or 0, whether at the top, lines."""
    _, _, text = text.partition("\nChanges that satisfy the controls:\n")
    text = re.split(r"\n\n", text)[0]
    changes = []
    for head, lines in re.findall(r"^  (/\S.*:)\n((?:      .*\n?)+)", text, re.MULTILINE):
        match = re.fullmatch(r"(.*?)(?::(\d+))?, (change to|add at the top|add):", head)
        path, number, action = match.groups()
        changes.append((path, int(number or 0), "top" in action, [line[6:] for line in lines.splitlines()]))
    return changes


def apply_changes(host, changes):
    """Applies the changes as a person would, from the last line of a file to the first."""
    for path, number, at_top, lines in sorted(changes, key=lambda each: -each[1]):
        before = host.read(path).splitlines() if host.path(path).exists() else []
        if number:
            before[number - 1:number] = lines
        else:
            before = lines + before if at_top else before + lines
        host.write(path, "\n".join([*before, ""]))


def assert_shells_are_quiet(host):
    """Checks that no shell prints an error, also if it reads the files twice."""
    for shell in ("bash", "dash"):
        for script in ("true", ". /etc/profile", f"exec {shell} -l -c true"):
            done = host.run(shell, "-l", "-c", script, check=False)
            assert (done.returncode, done.stdout + done.stderr) == (0, ""), (shell, script, done)
    timeout = host.run("bash", "-l", "-c", 'echo "$TMOUT"; unset TMOUT', check=False)
    assert timeout.stdout == "600\n" and "readonly" in timeout.stderr, timeout
    host.sh("sshd -t && systemctl restart ssh.service")
    login = client.shell(host, "alice")
    login.prompt()
    assert not re.search("TMOUT|not found|rror", login.output), login.output
    assert login.log_out() == 0


def word(verdict):
    return "p" if verdict else "f"


def yes_no(verdict):
    return "yes" if verdict else "no"


def check_system(hosts, suite, system, profile, saw):
    """Compares the verdicts before and after the changes. Returns unexpected rows."""
    host, content = hosts.host, hosts.content(system)
    chosen = ["--profile", profile] if profile else []
    hosts.reset(system)
    found = audit(host, *chosen)
    rows = rows_of(content, found)
    before = verdicts(host, content, rows, found)
    printed = ctl.run(host, "audit", *chosen).stdout
    changes = printed_changes(printed)
    assert changes, printed
    apply_changes(host, changes)
    found = audit(host, *chosen)
    after = verdicts(host, content, rows, found)
    if not profile:
        assert_shells_are_quiet(host)
    conflicts = [each["what"] for each in found["warnings"] if each["what"].startswith("No value of")]
    wrong = []
    for row in rows:
        scanned, audited = (f"{word(before[row][at])}->{word(after[row][at])}" for at in (0, 1))
        reason = "" if scanned == audited else reason_of(suite, system, row)
        is_left = not after[row][0] and not reason
        if is_left and conflicts and row.control.startswith("CIS sshd"):
            reason, is_left = "ClientAliveCountMax of the STIG is stricter; --profile cis passes", False
        line = f"{system} {profile or 'all':5} {row.control:15} {row.rule:38} {scanned} {audited}"
        saw(f"{line} {'yes' if scanned == audited else 'no'} {reason}".rstrip())
        if (scanned != audited and not reason) or is_left:
            wrong.append(line)
    for finding in found["findings"]:
        if not finding["in_force"]:
            wrong.append(f"{system} {profile} {finding['control']} is not in force: {finding}")
    return wrong


def test_audit_agrees_with_scanner_before_and_after_its_changes(hosts, suite, saw):
    wrong, systems = [], [each for each in SYSTEMS if hosts.content(each)]
    assert len(systems) >= 4, systems
    for system in systems:
        for profile in ("", "cis") if not system.startswith("rhel") else ("",):
            wrong += check_system(hosts, suite, system, profile, saw)
    assert not wrong, "\n".join(["", *wrong])


def test_crafted_disagreements(hosts, suite, saw):
    if suite == "bookworm":
        pytest.skip("the verdicts are those of content 0.1.76")
    wrong = []
    hosts.host.policy("version = 1\n")  # so that only the files decide what is in force
    for system, control, files, in_force in CRAFTED:
        hosts.reset(system, files)
        found = audit(hosts.host, "--profile", "stig")
        rows = [row for row in rows_of(hosts.content(system), found) if row.control == control]
        assert len(rows) == 1, control
        scanned, audited = verdicts(hosts.host, hosts.content(system), rows, found)[rows[0]]
        shown = "; ".join(f"{path}: {text!r}" for path, text in files.items())
        judged = {each["control"]: each["in_force"] for each in found["findings"]}[control]
        line = f"{control} oscap {word(scanned)} audit {word(audited)}, in force {yes_no(judged)} | {shown}"
        saw(line)
        wrong += [] if (scanned, in_force) == (audited, judged) else [line]
    assert not wrong, "\n".join(["", *wrong])


BENCHMARK = "/usr/share/sesslimit/scap/sesslimit-xccdf.xml"
RULES = ("concurrent_sessions", "idle_sessions")


def benchmark(host, *options):
    done = host.run("oscap", "xccdf", "eval", "--profile", "strict", *options, BENCHMARK, check=False, timeout=120)
    return tuple(scanner.results(done.stdout)[rule] for rule in RULES), done


def test_benchmark_of_the_package(hosts, saw):
    host = hosts.host
    host.run("oscap", "xccdf", "validate", BENCHMARK)
    files = {kind: f"{scanner.PLACE}/{kind}.xml" for kind in ("results", "arf", "viewer")}
    passed, done = benchmark(host, "--results", files["results"], "--results-arf", files["arf"],
                             "--stig-viewer", files["viewer"])
    assert (passed, done.returncode) == (("pass", "pass"), 0), done
    report = host.read(files["results"])
    assert "notchecked" not in report and "sesslimit_version" in report and "CCI-000054" in report, report[-3000:]
    assert all(f"sesslimit_rule_{rule}" in host.read(files["arf"]) for rule in RULES)
    assert all(f'<rule-result idref="SRG-OS-{number}-' in host.read(files["viewer"]) for number in ("000027", "000279"))
    digest = audit(host)["policy"]["sha256"]
    assert host.sh("sha256sum /etc/sesslimit/policy.toml | sha256sum").split()[0] == digest
    host.policy(POLICY.replace("max_sessions = 9", "max_sessions = 11"))
    assert benchmark(host)[0] == ("fail", "pass")
    host.policy(POLICY.replace("10min", "11min"))
    assert benchmark(host)[0] == ("pass", "fail")
    host.policy(POLICY)
    host.sh("systemctl stop sesslimitd.socket sesslimitd.service")
    stopped, _ = benchmark(host)
    host.start_daemon()
    host.sh("chmod -x /usr/bin/sesslimitctl")
    broken, done = benchmark(host)
    host.sh("chmod +x /usr/bin/sesslimitctl")
    assert (stopped, broken) == (("fail", "fail"), ("error", "error")), done
    saw(f"policy of 9 sessions and 10 min: {passed}; daemon stopped: {stopped}; sesslimitctl not executable: {broken}")


STOPPED = "stopped by logind, probably as idle (StopIdleSessionSec=10s)"


def test_idle_stop_of_logind(hosts, suite, saw):
    """The journal and watch name the stop.

    logind of Debian 13 does not know the terminals of ssh sessions, so that StopIdleSessionSec has no effect on them.
    """
    host = hosts.host
    host.policy('version = 1\n[defaults]\nidle_timeout = "1h"\n')
    host.write("/etc/systemd/logind.conf.d/50-sessions.conf", "[Login]\nStopIdleSessionSec=10\n")
    host.sh("systemctl restart systemd-logind.service")
    watching = ctl.watch(host, "--json=short")
    left = client.opened(client.shell(host, "alice"))
    assert left.log_out() == 0
    assert released(host, watching, 1) == [None], "a logout has no reason"
    terminals = {"a console": console.log_in(host, "bob"), "ssh": client.opened(client.shell(host, "alice"))}
    terminals["a console"].prompt()
    stopped = {"a console", "ssh"} if suite == "bookworm" else {"a console"}
    for name in stopped:
        _, took = wait_until(f"the end of {name}", lambda name=name: not terminals[name].running, 30)
        saw(f"{name}: terminated after {took:.0f} s")
    assert released(host, watching, 1 + len(stopped))[1:] == [STOPPED] * len(stopped)
    if suite == "trixie":
        with pytest.raises(Gone):
            wait_until("the end of ssh", lambda: not terminals["ssh"].running, 20)
        saw("ssh: not terminated")
        assert terminals["ssh"].log_out() == 0
        assert released(host, watching, 3)[2] is None
    saw(f"watch and the journal: {STOPPED}")
    warnings = [each["what"] for each in audit(host)["warnings"] if "logind" in each["what"]]
    expected = "For idle sessions, this overrides" if suite == "bookworm" else "does not know the terminals of SSH"
    assert any(expected in each for each in warnings), warnings


def released(host, watching, count):
    """Returns the reasons of the sessions that have ended, the same from watch and the journal."""
    last = ("released", "ended")
    events, _ = wait_until("the events", lambda: enough(
        [each["session"]["reason"] for each in ctl.watched(watching) if each["event"] in last], count), 10)
    matches = " ".join(f"SESSLIMIT_EVENT={each}" for each in last)
    entries, _ = wait_until("the entries", lambda: enough(
        [json.loads(line) for line in host.sh(f"journalctl -o json {matches}").splitlines()], count), 10)
    assert len(events) == len(entries) == count, (events, entries)
    for event, entry in zip(events, entries):
        assert entry.get("SESSLIMIT_REASON") == (None if event is None else "logind-idle"), entry
        assert event is None or entry["MESSAGE"].endswith(f": {event}."), entry
    return events


def enough(found, count):
    return found if len(found) >= count else None


UUID = {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"}
TEXT = {"type": "string", "minLength": 1}


def an_object(required, **optional):
    return {"type": "object", "properties": {**required, **optional}, "required": list(required),
            "additionalProperties": False}


def some(items):
    return {"type": "array", "minItems": 1, "items": items}


# The parts of the component definition model of OSCAL that the file uses, with the required fields of the model. These
# parts are at least as strict as the JSON schema of OSCAL 1.2.0.
PROPERTY = an_object({"name": TEXT, "value": TEXT}, ns={"type": "string", "format": "uri"})
REQUIREMENT = an_object({"uuid": UUID, "control-id": {"type": "string", "pattern": r"^[a-z]{2}-\d+(\.\d+)?$"},
                         "description": TEXT}, props=some(PROPERTY))
IMPLEMENTATION = an_object({"uuid": UUID, "source": {"type": "string", "format": "uri"}, "description": TEXT,
                            "implemented-requirements": some(REQUIREMENT)})
COMPONENT = an_object({"uuid": UUID, "type": {"enum": ["software"]}, "title": TEXT, "description": TEXT},
                      purpose=TEXT, **{"control-implementations": some(IMPLEMENTATION)})
METADATA = an_object({"title": TEXT, "last-modified": {"type": "string", "format": "date-time"}, "version": TEXT,
                      "oscal-version": {"enum": ["1.1.2"]}})
DEFINITION = an_object({"component-definition": an_object({"uuid": UUID, "metadata": METADATA},
                                                          components=some(COMPONENT))})


def test_component_definition(hosts, saw):
    text = hosts.host.read("/usr/share/sesslimit/scap/sesslimit-component-definition.json")
    jsonschema.validate(json.loads(text), DEFINITION)
    controls = sorted(re.findall(r'"control-id": "([^"]*)"', text))
    identifiers = re.findall(r'"uuid": "([^"]*)"', text)
    assert controls == ["ac-10", "ac-12", "ac-2.5", "sc-10"] and len(set(identifiers)) == len(identifiers)
    saw(f"controls of the component definition: {', '.join(controls)}")
