"""A bare DuckDB, the library that the program came with and nothing of weir: what a reader outside sees."""
import ctypes
import os
import subprocess


class _Result(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p if name in ("columns", "error", "internal") else ctypes.c_uint64)
                for name in ("column_count", "row_count", "rows_changed", "columns", "error", "internal")]


def _library():
    listed = subprocess.run(["ldd", os.environ["WEIR_BIN"]], capture_output=True, text=True, check=True).stdout
    library = ctypes.CDLL(next(line.split("=>")[1].split()[0] for line in listed.splitlines() if "libduckdb" in line))
    library.duckdb_value_varchar.restype = ctypes.c_void_p
    library.duckdb_value_varchar.argtypes = [ctypes.POINTER(_Result), ctypes.c_uint64, ctypes.c_uint64]
    library.duckdb_free.argtypes = [ctypes.c_void_p]
    library.duckdb_column_count.restype = library.duckdb_row_count.restype = ctypes.c_uint64
    library.duckdb_result_error.restype = ctypes.c_char_p
    return library


def rows(select):
    """The rows of a SELECT as lists of texts."""
    library, database, connection, result = _library(), ctypes.c_void_p(), ctypes.c_void_p(), _Result()
    assert library.duckdb_open(None, ctypes.byref(database)) == 0
    assert library.duckdb_connect(database, ctypes.byref(connection)) == 0
    try:
        failed = library.duckdb_query(connection, select.encode(), ctypes.byref(result))
        assert failed == 0, library.duckdb_result_error(ctypes.byref(result)).decode()
        out = []
        for row in range(library.duckdb_row_count(ctypes.byref(result))):
            out.append([])
            for column in range(library.duckdb_column_count(ctypes.byref(result))):
                text = library.duckdb_value_varchar(ctypes.byref(result), column, row)
                out[-1].append(None if text is None else ctypes.string_at(text).decode())
                library.duckdb_free(text)
        return out
    finally:
        library.duckdb_destroy_result(ctypes.byref(result))
        library.duckdb_disconnect(ctypes.byref(connection))
        library.duckdb_close(ctypes.byref(database))
