"""Namespaces of the benchmark's own, so that nothing of this machine's WireGuard is seen or touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_COMMAND = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
_PRIVATE = ("/run/wireguard", "/etc/wireguard", "/var/lib/wgreconcile")
_INSIDE = "WGRECONCILE_BENCHMARK"


def move_inside() -> None:
    """Run the rest of the program in a network, mount and pid namespace with empty folders of its own."""
    if _INSIDE not in os.environ:
        command = [*_COMMAND, sys.executable, *sys.argv]
        environment = {**os.environ, _INSIDE: "1"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled, and so is the floor's
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    for folder in _PRIVATE:
        Path(folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "benchmark", folder], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
