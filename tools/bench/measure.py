# SPDX-License-Identifier: ISC
"""What is measured of a server, whichever it is: CPU, memory, flushes; all its processes together."""
import os, signal, subprocess, tempfile, time
from harness import children

TICK = os.sysconf('SC_CLK_TCK')


def cpu(pid):
    """Seconds of CPU of a process, its living children, and those it has waited for."""
    total = 0
    for p in [pid] + children(pid):
        try:
            f = open(f'/proc/{p}/stat').read().rpartition(')')[2].split()
            total += int(f[11]) + int(f[12]) + int(f[13]) + int(f[14])
        except OSError:
            pass
    return total / TICK


def pss(pid):
    """Octets of memory; what is shared is counted once."""
    total = 0
    for p in [pid] + children(pid):
        try:
            for line in open(f'/proc/{p}/smaps_rollup'):
                if line.startswith('Pss:'):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total * 1024


def flushes(pid, work):
    """How often the processes flush while work() runs, counted by strace (tracing slows the server, so no rate is taken from it)."""
    log = tempfile.mktemp(prefix='penny-strace-')
    tracer = subprocess.Popen(['strace', '-f', '-qq', '-e', 'trace=fsync,fdatasync,sync_file_range,syncfs', '-o', log] + [x for q in [pid] + children(pid) for x in ('-p', str(q))], stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        work()
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)
    count = sum('sync' in line and 'resumed' not in line for line in open(log))
    os.unlink(log)
    return count
