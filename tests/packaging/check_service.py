"""Looks at packaging/cellrig.service: what it must hold, whether the program knows its words, and what systemd itself says of it.

    check_service.py directives UNIT CELLRIG     by itself
    check_service.py systemd UNIT CELLRIG        with systemd-analyze; exit code 77 (skipped) where there is none
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
EXPOSURE_MAX = 25  # of systemd's own judgement, in tenths: 0 is closed, 100 is open

# Directive -> what its value must be, or a function that judges it. Each is a promise of docs/serve.md or of docs/safety.md.
REQUIRED = {
    "Type": "notify",
    "NotifyAccess": "main",
    # Longer than the 25 s in which a control loop must have been at work, shorter than anybody waits.
    "WatchdogSec": lambda value: 26 <= int(value) <= 60,
    "Restart": "on-failure",
    "RestartPreventExitStatus": "2",
    "KillSignal": "SIGTERM",
    # The ways to OFF may take half a minute.
    "TimeoutStopSec": lambda value: int(value) >= 60,
    "User": lambda value: value not in ("", "root", "0"),
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectKernelModules": "yes",
    "ProtectControlGroups": "yes",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallFilter": "@system-service",
    "DevicePolicy": "closed",
    "StateDirectory": "cellrig",
    "UMask": "0027",
}


def directives(text):
    """Of the section [Service]: the last value of each."""
    values, section = {}, ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            section = line
        elif "=" in line and not line.startswith(("#", ";")) and section == "[Service]":
            name, value = line.split("=", 1)
            values[name.strip()] = value.strip()
    return values


def faults(text):
    values = directives(text)
    found = []
    for name, wanted in REQUIRED.items():
        value = values.get(name)
        if value is None:
            found.append(f"{name} is not said")
        elif not (wanted(value) if callable(wanted) else value == wanted):
            found.append(f"{name}={value} is not what was promised")
    return found


def unknown_options(text, cellrig):
    """Words of ExecStart that `cellrig serve --help` does not know."""
    words = shlex.split(directives(text)["ExecStart"])
    help_text = subprocess.run([cellrig, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"--[A-Za-z][A-Za-z-]*", help_text))
    return [word for word in words if word.startswith("--") and word.split("=")[0] not in known]


def check_directives(text, cellrig):
    found = faults(text) + [f"cellrig serve does not know {word}" for word in unknown_options(text, cellrig)]
    # The check itself must be able to fail.
    for name in REQUIRED:
        if not faults(re.sub(rf"^{name}=.*$", "", text, flags=re.M)):
            found.append(f"a unit without {name} would not be noticed")
    for fault in found:
        print(fault)
    return 1 if found else 0


def check_with_systemd(text, cellrig):
    program = shutil.which("systemd-analyze")
    if program is None:
        print("skipped: there is no systemd-analyze on this computer")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="cellrig-unit-") as folder:
        unit = Path(folder) / "cellrig.service"
        unit.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={Path(cellrig).resolve()}", text, flags=re.M))
        verified = subprocess.run([program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
        said = [line for line in verified.stderr.splitlines() if "cellrig.service" in line]
        print("\n".join(said))
        judged = subprocess.run([program, "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX}", str(unit)],
                                capture_output=True, text=True, check=False)
        print("\n".join(judged.stdout.splitlines()[-3:]), judged.stderr)
        return 1 if said or verified.returncode != 0 or judged.returncode != 0 else 0


def main():
    what, unit, cellrig = sys.argv[1:]
    text = Path(unit).read_text(encoding="utf-8")
    return {"directives": check_directives, "systemd": check_with_systemd}[what](text, cellrig)


if __name__ == "__main__":
    sys.exit(main())
