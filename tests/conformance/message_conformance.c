// SPDX-License-Identifier: ISC
/* Public vectors against the message folder: message_conformance VECTORS. One line a suite: passed, failed, excused; every
   failure is named on standard error; the exit status is 1 when one has no excuse (tests/conformance/excuses-message.txt). Run
   from the top of the tree. */
#include "vectors_message/address.h"
#include "vectors_message/header.h"
#include "vectors_message/mime.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s VECTORS (run from the top of the tree)\n", argv[0]);
        return 2;
    }
    vectors = argv[1];
    arena_init(&memory, 256 * 1024 * 1024);
    arena_init(&lasting, FILE_MAX);
    read_excuses("tests/conformance/excuses-message.txt");
    charset_warm();
    address_suites();
    header_suites();
    mime_suites();
    unused_excuses();
    arena_clear(&memory);
    arena_clear(&lasting);
    return failed_suites != 0;
}
