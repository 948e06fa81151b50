"""What boards lack and what they do differently: the tables behind board_checker.

Found by running MicroPython 1.28 (unix) and CircuitPython 10.2.1; tests/test_board_safety.py compares the lists of
names with a running MicroPython. "Half missing" is what only one of the two lacks.
"""

# Modules of CPython's standard library that both have; every other one is refused.
MODULES = frozenset(
    "array asyncio binascii builtins collections errno gc hashlib io json math os random re select socket ssl struct "
    "sys time zlib".split()
)
MODULES_MISSING_ON = {
    "circuitpython": frozenset(["socket", "asyncio", "hashlib"]),
    "micropython": frozenset(["__future__", "traceback"]),
}

# Built-in names of CPython that both lack.
NAMES = frozenset(
    "ConnectionResetError ConnectionRefusedError ConnectionAbortedError BlockingIOError InterruptedError "
    "FileNotFoundError FileExistsError PermissionError ProcessLookupError ChildProcessError IsADirectoryError "
    "NotADirectoryError UnicodeDecodeError UnicodeEncodeError UnicodeTranslateError RecursionError "
    "ModuleNotFoundError BufferError ReferenceError FloatingPointError TabError UnboundLocalError SystemError "
    "EnvironmentError IOError EncodingWarning PythonFinalizationError BaseExceptionGroup ExceptionGroup "
    "Warning BytesWarning DeprecationWarning FutureWarning ImportWarning PendingDeprecationWarning ResourceWarning "
    "RuntimeWarning SyntaxWarning UnicodeWarning UserWarning "
    "vars ascii format breakpoint aiter anext copyright credits exit license quit".split()
)
NAMES_MISSING_ON = {
    "circuitpython": frozenset(),
    "micropython": frozenset(["ConnectionError", "TimeoutError", "BrokenPipeError"]),
}

ERRNO = frozenset(
    "EPERM ENOENT EIO EBADF EAGAIN ENOMEM EACCES EEXIST ENODEV EISDIR EINVAL EOPNOTSUPP EADDRINUSE ECONNABORTED "
    "ECONNRESET ENOBUFS ENOTCONN ETIMEDOUT ECONNREFUSED EHOSTUNREACH EALREADY EINPROGRESS errorcode".split()
)

# What may be taken from these modules; None of the rest is on both.
ATTRIBUTES = {
    "errno": ERRNO,
    "collections": frozenset(["OrderedDict", "namedtuple", "deque"]),
    "select": frozenset("poll POLLIN POLLOUT POLLERR POLLHUP".split()),
    "time": frozenset("time sleep localtime mktime".split()),
    "gc": frozenset("collect enable disable isenabled mem_alloc mem_free".split()),
    "os": frozenset("getenv listdir stat remove rename mkdir rmdir urandom sep statvfs".split()),
}

# What may be used where asking for a name was answered with no: the one interpreter's word for the other's.
_TICKS = frozenset(["ticks_ms", "ticks_diff", "ticks_add"])
ALTERNATIVES = {"monotonic_ns": _TICKS, "ticks_ms": frozenset(["monotonic_ns"])}

# What an interpreter has that has the name asked for.
COMPANIONS = {"ticks_ms": _TICKS}

# Methods of CPython's built-in types that no type of theirs has, refused when called.
METHODS = frozenset(
    "tobytes toreadonly cast title capitalize casefold swapcase removeprefix removesuffix zfill isascii isalnum "
    "isdecimal isidentifier isnumeric isprintable istitle expandtabs ljust rjust format_map translate maketrans "
    "move_to_end bit_length bit_count as_integer_ratio is_integer conjugate with_traceback add_note".split()
)
# Attributes refused however they are used.
ATTRIBUTES_MISSING = frozenset(
    "_fields _field_defaults _replace _asdict _make nbytes __annotations__ __mro__ __subclasses__ __slots__ "
    "__wrapped__ __cause__ __context__ __suppress_context__ __traceback__".split()
)

# Keyword arguments that the function of that name does not take there: function -> words.
KEYWORDS = {
    "split": frozenset(["maxsplit"]),
    "rsplit": frozenset(["maxsplit"]),
    "zip": frozenset(["strict"]),
    "dumps": frozenset("indent sort_keys default cls ensure_ascii".split()),
    "popitem": frozenset(["last"]),
    "namedtuple": frozenset(["defaults", "rename", "module"]),
}

# Methods that are never called there, or whose effect is silently missing.
NEVER_CALLED = {
    "__del__": "no finaliser ever runs; close by name",
    "__init_subclass__": "ignored on boards",
    "__set_name__": "ignored on boards",
    "__setattr__": "ignored on CircuitPython",
    "__class_getitem__": "ignored on boards",
}

BUILTIN_TYPES = frozenset(
    "bool bytearray bytes dict float frozenset int list memoryview object set str tuple type".split()
)
