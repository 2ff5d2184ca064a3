# SPDX-License-Identifier: MIT
"""The virtual machine itself: its snapshot, and the ways to log in."""


def test_machine_starts_from_its_snapshot(guest, saw):
    guest.run("touch", "/root/changed")
    guest.stop()
    guest.load()
    assert guest.run("test", "-e", "/root/changed", check=False).returncode == 1
    assert guest.run("systemctl", "is-active", "sesslimitd").stdout == "active\n"
    saw(f"{guest.accelerator}: boots in {guest.boot_seconds:.1f} s, snapshot written in {guest.snapshot_seconds:.1f} s "
        f"and started in {guest.load_seconds:.1f} s")


def test_user_logs_in_everywhere(guest, saw):
    tty2 = guest.screen(2)
    tty2.log_in("alice")
    tty2.expect("ready>", 60)
    for line in guest.lines:
        guest.log_in_on(line, "alice").prompt(60)
    guest.shell("alice")
    shells = guest.run("ps", "--user", "alice", "--format", "comm=,tty=").stdout.split("\n")
    assert sorted(line.split()[1] for line in shells if line.startswith("bash ")) == ["hvc0", "pts/0", "tty2", "ttyS0"]
    saw("alice has a shell on tty2, typed on the keyboard, on ttyS0, on hvc0 and over ssh")
