// SPDX-License-Identifier: ISC
#include "base/facts.h"
#include "smtp/drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    drive_server(data, size);
    return 0;
}
