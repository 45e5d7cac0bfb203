"""Python imports this by itself where the folder is on its path: libraries that print whatever they can."""

import atexit
import logging
import os
import subprocess
import sys
import threading
import time
import warnings

LOUD = ("mcp", "sqlalchemy", "numpy", "pydantic_settings", "hmlr.client", "hmlr.memory")


class Finder:
    """Prints when a module is looked for, and when the engine is, never stops."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name.startswith(LOUD) and not name.startswith("hmlr.server"):
            print(f"noise: importing {name}", flush=True)
        if name == "hmlr.client":
            threading.Thread(target=_babble, daemon=True).start()


def _babble() -> None:
    while True:
        print('{"jsonrpc": "2.0", "noise": 1}')
        sys.stdout.write("noise without an end")
        sys.stdout.flush()
        os.write(1, b"noise of a C library\n")
        logging.getLogger("library").warning("noise")
        warnings.warn("noise", stacklevel=1)
        subprocess.run(["echo", "noise of a child"], check=False)
        time.sleep(0.05)


if "mcp" in sys.argv:
    logging.basicConfig(stream=sys.stdout, level=logging.DEBUG)
    warnings.simplefilter("always")
    warnings.showwarning = lambda message, *_: print(message, flush=True)
    atexit.register(print, "noise at the end", flush=True)
    sys.meta_path.insert(0, Finder)  # type: ignore[arg-type]
