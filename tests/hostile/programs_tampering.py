"""Tampering with what shares the process, the driver and the runner, and through it with the verifier.

What is in a process belongs to the program in it, so an answer may be anything that it could have returned. But it is
an answer, plain data that the verifier judges, or a failure; and neither the verifier nor the next session is touched.
"""

from __future__ import annotations

from typing import Any

from battery import CRASHED, FORBIDDEN, INVALID, OK, Hostile

from evolve.core.types import Status

# Every number of the driver's is what the program could have made it return.
DRIVER = """
import numpy

def drive(candidate, host):
    numbers = candidate(host)
    return float(numpy.sum(numpy.array(numbers, dtype="f8"))), len(numbers)
"""


def attack(name: str, text: str, *verdicts: Status, quick: bool = False) -> Hostile:
    """A program whose honest answer is 7, and 8 to the second call, and which breaks the interpreter in between.

    Where it has broken what brings its own answer to the host, it has none: that is its verdict. Two stand where it
    depends on the moment, or on how the interpreter was started.
    """
    whole = f"""
import atexit, builtins, gc, json, struct, warnings

def runner():
    "The variables of the module that called the program, by whatever way it was started."
    at = sys._getframe()
    while "Pipes" not in at.f_globals:
        at = at.f_back
    return at.f_globals

def solve(host):
    {text}
    return 7

def then(host):
    return 8
"""
    return Hostile(
        name,
        whole,
        verdicts or OK,
        value=8,
        calls=("solve", "then"),
        limits={"wall_seconds": 2.0},
        after=lambda replies: replies[0].value == (7 if replies[0].status is OK else None),
        quick=quick,
    )


def driven(name: str, text: str, value: Any, verdict: Status = OK, *, quick: bool = False) -> Hostile:
    """A program with a driver, whose honest answer is (6.0, 3): what it makes of that the verifier judges."""
    whole = f"import numpy\n\ndef solve(host):\n    {text}\n    return [1, 2, 3]\n"
    return Hostile(
        name,
        whole,
        verdict,
        value=value,
        driver=DRIVER,
        calls=("drive", "drive"),
        limits={"wall_seconds": 2.0},
        quick=quick,
    )


PROGRAMS = [
    attack("built_in_functions", "builtins.len = lambda x: 10**9", CRASHED, quick=True),
    attack("types", "builtins.isinstance = builtins.type = builtins.id = lambda *x: 1/0", CRASHED),
    attack("reading_and_writing", "os.write = os.read = lambda *x: b''"),
    attack("packing", "json.dumps = json.loads = struct.pack = None"),
    attack("no_modules", "sys.modules.clear(); sys.meta_path.clear(); sys.path.clear()", quick=True),
    attack("the_main_module", "vars(sys.modules['__main__']).clear()", OK, CRASHED),
    attack("the_runners_module", "runner().clear()", CRASHED),
    attack("the_code_of_the_runner", "runner()['serve'].__code__ = (lambda *x: None).__code__"),
    attack("the_table_of_the_encoder", "runner()['wire']._ENCODERS.clear()", CRASHED),
    attack("the_encoder", "runner()['wire'].encode.__code__ = (lambda *x: b'junk').__code__", FORBIDDEN),
    attack("the_pipes", "runner()['Pipes'].send = lambda *x: None"),
    attack(
        "tracing", "sys.settrace(lambda *x: 1/0); threading.settrace(lambda *x: 1/0); sys.setprofile(lambda *x: 1/0)"
    ),
    attack("collecting", "gc.freeze(); gc.set_threshold(1); gc.callbacks.append(lambda *x: 1/0); gc.collect()"),
    attack("emptied_dictionaries", "[o.clear() for o in gc.get_objects() if type(o) is dict]", CRASHED, quick=True),
    attack("none_at_all", "ctypes.memset(id(None), 0, 16)", CRASHED, quick=True),
    # An alarm may strike anywhere: once the reply is on its way, the error is a second one, which answers no call.
    attack(
        "alarms",
        "signal.signal(14, lambda *x: 1/0); signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)",
        OK,
        CRASHED,
        FORBIDDEN,
    ),
    attack("streams", "sys.stdout = sys.stderr = sys.excepthook = None; os.close(1); os.close(2)"),
    attack(
        "the_end", "atexit.register(lambda: os._exit(0)); warnings.simplefilter('error'); sys.setrecursionlimit(30)"
    ),
    driven(
        "numpy_of_the_driver",
        "numpy.sum = lambda *x, **y: 1e308; numpy.array = lambda *x, **y: [1e308]",
        (1e308, 3),
        quick=True,
    ),
    driven("the_driver_itself", "sys.modules['driver'].drive = lambda *x: (1e308, 10**9)", (1e308, 10**9), quick=True),
    driven(
        "built_in_functions_of_the_driver",
        "import builtins; builtins.len = builtins.float = lambda *x: 10**9",
        None,
        CRASHED,
    ),
    driven(
        "variables_of_the_driver",
        "at = sys._getframe(1); at.f_locals['numbers'] = [9]; "
        "ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(at), 1)",
        (6.0, 3),
    ),
    driven(
        "code_of_the_driver",
        "sys.modules['driver'].drive.__code__ = (lambda candidate, host: ('x', {1})).__code__",
        None,
        INVALID,
    ),
    Hostile(
        "arguments",
        """
def solve(host):
    # They are copies: the host's own, which the verifier may still need, stay as they are.
    host.clear()
    host["truth"] = 1
    return []
""",
        quick=True,
    ),
]
