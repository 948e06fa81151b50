"""What board tests have in place of `pytest.raises`; runs on MicroPython and on CPython."""


def raises(kind, function, *arguments, **options):
    """Call the function, which must raise `kind`. Returns the error, for a look at its text."""
    try:
        function(*arguments, **options)
    except kind as error:
        return error
    raise AssertionError("%r raised no %s" % (function, kind.__name__))
