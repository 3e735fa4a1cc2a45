#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Runs the end-to-end tests: run.py [--quick|--all] [name …]. A test is a function test_* in tests/e2e/test_*.py; long ones carry LONG = True
as an attribute. A test that cannot run (a program is absent) fails: nothing is skipped in silence."""
import importlib, os, sys, time, traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def main(argv):
    long = '--all' in argv
    names = [a for a in argv if not a.startswith('--')]
    ran = failed = 0
    for file in sorted(os.listdir(HERE)):
        if not (file.startswith('test_') and file.endswith('.py')):
            continue
        module = importlib.import_module(file[:-3])
        for name, test in sorted(vars(module).items(), key=lambda x: getattr(getattr(x[1], '__code__', None), 'co_firstlineno', 0)):
            if not name.startswith('test_') or not callable(test):
                continue
            full = f'{file[5:-3]}.{name[5:]}'
            if names and not any(n in full for n in names):
                continue
            if getattr(test, 'LONG', False) and not long and not names:
                continue
            ran += 1
            start = time.monotonic()
            try:
                test()
                print(f'  ok    {full:<48} {time.monotonic() - start:6.1f} s', flush=True)
            except Exception as e:
                failed += 1
                print(f'  FAIL  {full:<48} {type(e).__name__}: {e}', flush=True)
                if type(e).__name__ != 'Failed':
                    traceback.print_exc()
    print(f'end to end: {ran} tests, {failed} failed', flush=True)
    return 1 if failed or ran == 0 else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
