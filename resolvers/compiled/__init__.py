"""
Answers documents without an executor: what a statement's record becomes is worked out once for each document.

An operation whose queries all read from an anchor is compiled: its selection becomes one statement a query, and Python
code that turns the record into the answer. Whatever the code does not expect (a null where none may be, a value of a
wrong type, an error of a resolver) is left to the executor, which reads level by level and reports errors.
"""
