"""A server of the page, as the tests in a browser use it."""

import re
import subprocess
import sys

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}


def serve(*arguments):
    """A server of one thread, as commands in the tests have it; the address that it prints, and the process."""
    command = [sys.executable, "-m", "agerestore_cli", "serve", "--port", "0", "--threads", "1", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+/#\S+", line):
            return found[0], process
    raise RuntimeError(f"the server ended with {process.wait()} and printed no address")


def end(process):
    process.terminate()
    process.wait(30)
    process.stdout.close()
